import { platform } from './env.js';
import { guard } from './guard.js';
import { watchPage } from './page.js';
import { type Call, createCore } from './tracker.js';

/** The page's one function, real or stub: what is called is pushed on `q`. */
interface Queue {
  (...args: unknown[]): void;
  q?: { push(call: Call): void; forEach?: Call[]['forEach'] };
}

/** Script-tag entry: reads the tag, takes over the queue, and watches the page. */
guard(() => {
  const page = platform as unknown as { relay: Queue | undefined };
  const { src, dataset } = (platform.document as Document).currentScript as HTMLScriptElement;

  const queued = page.relay?.q ?? [];
  if (!queued.forEach) {
    return; // The tag is in the page twice.
  }

  const core = createCore(platform, {
    endpoint: new URL('e', src).href,
    ...(dataset as { token: string }),
  });
  watchPage(core);
  queued.forEach(core._call);
  // `relay` may be anything: a name of the page's own, an element with that id. Only nothing is replaced.
  page.relay ??= (...args) => guard(() => core._call([platform.Date.now(), args]));
  page.relay.q = { push: core._call };
});
