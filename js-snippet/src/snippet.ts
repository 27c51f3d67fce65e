import { platformEnv } from './env.js';
import { guard } from './guard.js';
import type { Options } from './options.js';
import { watchPage } from './page.js';
import { createCore } from './tracker.js';

type Call = [at: number, args: ArrayLike<unknown>];

/** The page's one function, real or stub: whoever calls it pushes on `q`. */
interface Queue {
  (...args: unknown[]): void;
  q?: { push(call: Call): void };
}

/** Script-tag entry: reads the tag, takes over the queue, and watches the page. */
guard(() => {
  const env = platformEnv();
  const page = env._window as unknown as { relay?: Queue };
  const script = env._document?.currentScript as HTMLScriptElement;
  const data = script.dataset;
  const number = (text: string | undefined) => (text ? Number(text) : undefined);

  // `relay` may be anything: a name of the page's own, an element with that id. Only nothing is replaced.
  page.relay ??= ((...args) => page.relay?.q?.push([env._now(), args])) as Queue;
  const queued = page.relay.q ?? [];
  if (!Array.isArray(queued)) {
    return; // The tag is in the page twice.
  }

  const core = createCore(
    {
      token: data.token ?? '',
      endpoint: data.endpoint ?? new URL('e', script.src).href,
      flushMs: number(data.flushMs),
      flushSize: number(data.flushSize),
      sessionMinutes: number(data.sessionMinutes),
      identityUrl: data.identityUrl,
      consent: data.consent as Options['consent'],
      gpc: data.gpc as Options['gpc'],
      attributionMinutes: number(data.attributionMinutes),
      debug: 'debug' in data,
    },
    env,
  );
  const push = ([at, args]: Call) => core._call(at, args);
  guard(() => {
    (page.relay as Queue).q = { push };
  });
  watchPage(core, data.impressions === '1');
  queued.forEach(push);
});
