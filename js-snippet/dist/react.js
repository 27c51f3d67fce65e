import {
  guard
} from "./chunk.js";

// src/react.ts
import { useCallback, useMemo } from "react";
var useRelayList = (tracker, options) => {
  const key = guard(() => JSON.stringify(options)) ?? "";
  const list = useMemo(() => tracker.list(guard(() => JSON.parse(key)) ?? { items: [] }), [tracker, key]);
  const ref = useCallback(
    (element) => {
      if (element) {
        list.observe(element);
      } else {
        list.stop();
      }
      return list.stop;
    },
    [list]
  );
  return { ref, click: list.click };
};
export {
  useRelayList
};
