// A virtual list of React whose rows come later, and a list that grows: `useRelayList` on both.
import { createTracker } from 'personalize-relay';
import { useRelayList } from 'personalize-relay/react';
import { type CSSProperties, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { List } from 'react-window';

// Firefox and WebKit say that a test drives them.
const debug = navigator.webdriver;
const tracker = createTracker({ token: 'site', endpoint: '/r/e', flushMs: 50, debug });
const all = Array.from({ length: 200 }, (_, i) => `i${i + 1}`);

function Row({ index, style }: { index: number; style: CSSProperties }) {
  return (
    <div style={style} data-relay-item={all[index]}>
      row {all[index]}
    </div>
  );
}

function Virtual() {
  const { ref, click } = useRelayList<HTMLDivElement>(tracker, { recommendationId: 'RV', items: all });
  const [isThere, setIsThere] = useState(false);
  useEffect(() => {
    setTimeout(() => setIsThere(true), 300);
  }, []);
  return (
    <div ref={ref}>
      {isThere ? (
        <List rowComponent={Row} rowCount={all.length} rowHeight={50} rowProps={{}} style={{ height: 250 }} />
      ) : (
        <p>loading</p>
      )}
      <button type="button" onClick={() => click('i3')}>
        third
      </button>
    </div>
  );
}

function Growing() {
  const [count, setCount] = useState(5);
  const items = all.slice(0, count);
  const { ref, click } = useRelayList<HTMLUListElement>(tracker, { recommendationId: 'RG', items });
  return (
    <>
      <ul ref={ref}>
        {items.map((item) => (
          <li key={item}>
            <button type="button" onClick={() => click(item)}>
              buy {item}
            </button>
          </li>
        ))}
      </ul>
      <button type="button" onClick={() => setCount(10)}>
        more
      </button>
    </>
  );
}

createRoot(document.body.appendChild(document.createElement('main'))).render(
  location.hash === '#growing' ? <Growing /> : <Virtual />,
);
