// src/guard.ts
var guard = (work) => {
  try {
    return work();
  } catch {
  }
  return void 0;
};

export {
  guard
};
