import {
  guard
} from "./chunk.js";

// src/vue.ts
var relayList = (tracker) => {
  const lists = /* @__PURE__ */ new WeakMap();
  const choose = (event) => guard(() => {
    const item = event.target.closest("[data-relay-item]")?.dataset.relayItem;
    if (item && event.button < 2) {
      lists.get(event.currentTarget)?.list.click(item);
    }
  });
  const show = (element, options) => guard(() => {
    const key = JSON.stringify(options);
    const before = lists.get(element);
    if (before?.key === key) {
      before.list.observe(element);
    } else {
      before?.list.stop();
      const list = tracker.list(options);
      list.observe(element);
      lists.set(element, { list, key });
    }
  });
  return {
    mounted(element, { value }) {
      show(element, value);
      element.addEventListener("click", choose);
      element.addEventListener("auxclick", choose);
    },
    updated: (element, { value }) => show(element, value),
    unmounted: (element) => lists.get(element)?.list.stop()
  };
};
export {
  relayList
};
