import { isolated, make, page } from './page.js';

/** The window in the corner: who, which lists, which events. */
export interface Panel {
  element: HTMLElement;
  session(id: string | undefined): void;
  user(text: string): void;
  /** Names of the lists, and how many items of each were seen. */
  lists(rows: readonly (readonly [name: string, seen: number, items: number])[]): void;
}

export interface PanelActions {
  showBoxes(isShown: boolean): void;
  close(): void;
}

const button = (text: string, name: string): HTMLButtonElement => {
  const made = make('button', '', text);
  made.type = 'button';
  made.setAttribute('aria-label', name);
  return made;
};

export const createPanel = (events: HTMLElement, { showBoxes, close }: PanelActions): Panel => {
  const session = make('dd', '');
  const user = make('dd', '');
  const lists = make('ul', 'lists');
  const facts = make('dl', '', make('dt', '', 'Session'), session, make('dt', '', 'User'), user);
  const body = make('div', 'body', facts, make('h3', '', 'Lists'), lists, make('h3', '', 'Events'), events);
  body.tabIndex = 0; // So that a keyboard can scroll it.
  body.setAttribute('role', 'region');
  body.setAttribute('aria-label', 'Session, lists and events');

  const boxes = button('▢', 'Outlines on the page');
  boxes.setAttribute('aria-pressed', 'true');
  boxes.onclick = () => {
    const isShown = boxes.getAttribute('aria-pressed') !== 'true';
    boxes.setAttribute('aria-pressed', `${isShown}`);
    showBoxes(isShown);
  };
  const fold = button('–', 'Fold');
  fold.setAttribute('aria-expanded', 'true');
  fold.onclick = () => {
    body.hidden = !body.hidden;
    fold.textContent = body.hidden ? '+' : '–';
    fold.setAttribute('aria-label', body.hidden ? 'Unfold' : 'Fold');
    fold.setAttribute('aria-expanded', `${!body.hidden}`);
  };
  const end = button('×', 'Close');
  end.onclick = close;

  const element = make('section', 'panel', make('header', '', make('h2', '', 'Relay'), boxes, fold, end), body);
  element.setAttribute('aria-label', 'Personalize Relay: what is seen and sent');
  element.lang = 'en';
  element.dir = 'ltr';

  let shown = '';
  return {
    element,
    session(id) {
      session.replaceChildren(id ? isolated(id) : 'nothing is collected: no consent, privacy control, or a robot');
    },
    user(text) {
      user.textContent = text;
    },
    lists(rows) {
      const key = JSON.stringify(rows);
      if (key !== shown) {
        shown = key;
        lists.replaceChildren(
          ...rows.map(([name, seen, items]) => make('li', '', isolated(name), `: ${seen} of ${items} items seen`)),
        );
        if (!rows[0]) {
          lists.append(make('li', '', page.document.createTextNode('no data-relay-list on this page')));
        }
      }
    },
  };
};
