import { platform } from './env.js';
import { guard } from './guard.js';
import { watchPage } from './page.js';
import { createCore } from './tracker.js';

type Call = [at: number, args: ArrayLike<unknown>];

/** The page's one function, real or stub: what is called is pushed on `q`. */
interface Queue {
  (...args: unknown[]): void;
  q?: { push(call: Call): void };
}

/** Script-tag entry: reads the tag, takes over the queue, and watches the page. */
guard(() => {
  const page = platform as unknown as { relay: Queue };
  const { src, dataset } = platform.document?.currentScript as HTMLScriptElement;

  // `relay` may be anything: a name of the page's own, an element with that id. Only nothing is replaced.
  page.relay ??= (...args) => page.relay.q?.push([platform.Date.now(), args]);
  const queued = page.relay.q ?? [];
  if (!Array.isArray(queued)) {
    return; // The tag is in the page twice.
  }

  const core = createCore(platform, {
    token: '',
    endpoint: new URL('e', src).href,
    ...(dataset as { token?: string }),
  });
  const push = ([at, args]: Call) => core._call(args, at);
  guard(() => {
    page.relay.q = { push };
  });
  watchPage(core);
  queued.forEach(push);
});
