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
  const tag = (platform.document as Document).currentScript as HTMLScriptElement | null;
  const { token, endpoint } = tag?.dataset ?? {};
  const url = endpoint ?? (tag?.src && new URL('e', tag.src).href);
  const problem =
    !token || !url
      ? 'not started: src and data-token are needed, type=module is not'
      : platform.origin === 'null' && 'no Origin';
  if (problem) {
    guard(() => platform.console.warn(`[relay] ${problem}; see README, "Tag managers"`));
  }
  if (!token || !url) {
    return;
  }

  const queued = page.relay?.q ?? [];
  if (!queued.forEach) {
    return; // The tag is in the page twice.
  }
  const core = createCore(platform, {
    ...(tag as HTMLScriptElement).dataset,
    token,
    endpoint: url,
  });
  watchPage(core);
  queued.forEach(core._call);
  // `relay` may be anything: a name of the page's own, an element with that id. Only nothing is replaced.
  page.relay ??= (...args) => guard(() => core._call([platform.Date.now(), args]));
  page.relay.q = { push: core._call };
});
