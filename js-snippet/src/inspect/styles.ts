/** A constructed sheet: no policy of a page stops it, and none of its rules reaches the page. */
export const STYLES = `
:host {
  all: initial !important;
  display: block !important;
  position: fixed !important;
  inset: 0 !important;
  z-index: 2147483647 !important;
  pointer-events: none !important;
  color-scheme: light dark !important;
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
.boxes { position: absolute; inset: 0; overflow: hidden; }
.box {
  position: absolute; left: 0; top: 0; border: 2px solid #1d4ed8; border-radius: 3px;
  box-shadow: 0 0 0 1px #fff;
}
.box.list { border: 2px dashed #7c2d92; }
.box.seen { border-color: #15703a; }
.fill {
  position: absolute; inset: auto 0 0 0; height: 5px; background: #1d4ed8;
  transform: scaleX(0); transform-origin: left;
}
.seen .fill { background: #15703a; transform: none !important; }
.label {
  position: absolute; left: 0; top: 0; max-width: 100%; padding: 1px 5px; overflow: hidden; white-space: nowrap;
  text-overflow: ellipsis; font: 600 12px/1.35 system-ui, sans-serif; color: #fff; background: #1d4ed8;
}
.list > .label { top: auto; bottom: 100%; background: #7c2d92; max-width: min(100vw, 30rem); }
.list.high > .label { bottom: auto; top: 0; inset-inline: auto 0; }
.seen > .label { background: #15703a; }
.panel {
  pointer-events: auto; position: absolute; inset: auto 12px 12px auto; width: min(380px, calc(100vw - 24px));
  max-height: min(60vh, 520px); display: flex; flex-direction: column; overflow: hidden;
  font: 13px/1.45 system-ui, sans-serif; color: #16181d; background: #fff;
  border: 1px solid #8a909c; border-radius: 8px; box-shadow: 0 6px 24px #0005;
}
header { display: flex; align-items: center; gap: 6px; padding: 6px 6px 6px 12px; border-bottom: 1px solid #d5d8de; }
h2 { flex: 1; margin: 0; font: 600 14px/1.3 system-ui, sans-serif; }
h3 { margin: 10px 0 4px; font: 600 13px/1.3 system-ui, sans-serif; }
button {
  min-width: 32px; min-height: 32px; padding: 2px 8px; font: inherit; color: inherit; background: none;
  border: 1px solid #8a909c; border-radius: 6px; cursor: pointer;
}
button:hover { background: #eceef2; }
button:focus-visible { outline: 3px solid #1d4ed8; outline-offset: 1px; }
.body { overflow: auto; padding: 6px 12px 12px; overscroll-behavior: contain; }
.body:focus-visible { outline: 3px solid #1d4ed8; outline-offset: -3px; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 2px 10px; margin: 0; }
dt { color: #4d5460; }
dd { margin: 0; overflow-wrap: anywhere; }
ol, ul { margin: 0; padding: 0; list-style: none; }
li { padding: 4px 0; border-top: 1px solid #e4e6ea; overflow-wrap: anywhere; }
time { color: #4d5460; font-variant-numeric: tabular-nums; }
.verdict { display: block; color: #4d5460; }
.verdict.good { color: #15703a; }
.verdict.bad { color: #a11b1b; }
@media (max-width: 500px) {
  .panel { inset: auto 0 0 0; width: 100%; max-height: 45vh; border-radius: 8px 8px 0 0; }
}
@media (prefers-color-scheme: dark) {
  .panel { color: #e9ebef; background: #16181d; border-color: #6b7280; }
  header { border-color: #3a3f49; }
  li { border-color: #2c3038; }
  dt, time, .verdict { color: #aab0bc; }
  button:hover { background: #2c3038; }
  button:focus-visible, .body:focus-visible { outline-color: #8ab4ff; }
  .verdict.good { color: #6fd08c; }
  .verdict.bad { color: #ff9d94; }
}
@media print { :host { display: none !important; } }
`;
