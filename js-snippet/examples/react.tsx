// A list of recommendations in React. Built and driven by tests/browser/snippet/test_npm_package.py.
import { createTracker } from 'personalize-relay';
import { useRelayList } from 'personalize-relay/react';
import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';

const tracker = createTracker({ token: 'site', endpoint: '/r/e', flushMs: 50 });

function Recommendations({ recommendationId, items }: { recommendationId: string; items: string[] }) {
  const { ref, click } = useRelayList<HTMLUListElement>(tracker, { recommendationId, items, source: 'home-top' });
  return (
    <ul ref={ref}>
      {items.map((item) => (
        <li key={item}>
          <button type="button" onClick={() => click(item)}>
            {item}
          </button>
        </li>
      ))}
    </ul>
  );
}

function Shop() {
  const [shown, setShown] = useState({ recommendationId: 'RID-1', items: ['p1', 'p2'] });
  return (
    <>
      <Recommendations {...shown} />
      <button type="button" onClick={() => setShown({ recommendationId: 'RID-2', items: ['p3', 'p4'] })}>
        more
      </button>
    </>
  );
}

createRoot(document.body.appendChild(document.createElement('main'))).render(
  <StrictMode>
    <Shop />
  </StrictMode>,
);
