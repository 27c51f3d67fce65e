import { guard } from '../guard.js';
import { attribute } from '../watching/attribute.js';
import { createEventRows } from './events.js';
import { createOutlines, listName } from './outlines.js';
import { askSession, hear, make, page } from './page.js';
import { createPanel } from './panel.js';
import { STYLES } from './styles.js';

/** How often the lists are counted. */
const COUNT_MS = 500;
const MOST_LISTS = 50;

/** What a relay's word about the identity token says of the user. */
const USERS: { [identity: string]: string } = {
  ok: 'known: the relay took the identity token',
  none: 'none told by this page; a session that was logged in before keeps its user',
  expired: 'not known: the identity token is too old',
  invalid: 'not known: the identity token is none of the relay’s',
  mismatch: 'not known: the identity token is for another session',
  conflict: 'known, and another than this session’s: a new session begins',
};

/** Shows on the page what the snippet sees and sends. The page, its styles and its policies stay as they are. */
const inspect = (): void => {
  const host = make('div', '');
  host.dataset.relayIgnore = '';
  const root = host.attachShadow({ mode: 'open' });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLES);
  root.adoptedStyleSheets = [sheet];

  const seen = new Map<Element, Set<string>>();
  const events = createEventRows();
  const outlines = createOutlines();
  const countLists = () =>
    panel.lists(
      [...page.document.querySelectorAll('[data-relay-list]')]
        .slice(0, MOST_LISTS)
        .map((list) => [
          listName(list),
          seen.get(list)?.size ?? 0,
          list.querySelectorAll('[data-relay-item]:not([data-relay-event])').length,
        ]),
    );
  const counting = setInterval(() => guard(countLists), COUNT_MS);
  const panel = createPanel(events.element, {
    showBoxes: outlines.show,
    close() {
      clearInterval(counting);
      outlines.stop();
      host.remove();
    },
  });
  const learnSession = () => {
    panel.session(undefined);
    askSession(panel.session);
  };

  root.append(outlines.element, panel.element);
  page.document.documentElement.append(host);
  panel.user('not told yet: no beacon was answered');
  learnSession();
  countLists();

  hear('session', panel.session);
  hear('start', learnSession);
  hear('stop', () => panel.session(undefined));
  hear('event', events.add);
  hear('lost', events.lose);
  hear('sent', (answer) => {
    events.answer(answer);
    panel.user(USERS[answer.identity] ?? answer.identity);
  });
  hear('seen', (item) => {
    outlines.see(item);
    const list = item.closest('[data-relay-list]');
    if (list) {
      seen.set(list, (seen.get(list) ?? new Set()).add(attribute(item, 'item') ?? ''));
    }
  });
};

guard(inspect);
