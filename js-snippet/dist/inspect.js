var f=e=>{try{return e()}catch{}};var y=(e,t)=>f(()=>e.getAttribute?.(`data-relay-${t}`));var g=globalThis,M=(...e)=>{g.relay?.q?.push([Date.now(),e])},x=(e,t)=>M("on",e,t),T=e=>M("session",e),i=(e,t,...s)=>{let n=g.document.createElement(e);return n.className=t,n.append(...s),n},v=e=>i("bdi","",e);var L=100,O=e=>{let t=i("time","",new Date(e).toLocaleTimeString([],{hour12:!1,timeZoneName:"short"}));return t.dateTime=new Date(e).toISOString(),t},j=({recommendationId:e,impression:t,metricAttribution:s})=>[t?.[0]&&`${t.length} seen`,s&&`from ${s.eventAttributionSource}`,e&&`by ${e}`].filter(Boolean).join(", "),W=(e,{eventId:t},s)=>{if(e.ignored)return["left out: taken for a robot","bad"];let n=e.rejected.find(o=>o.eventId===t||o.index===s);if(n)return n.reason==="duplicate"?["accepted before","good"]:[`refused: ${n.reason} ${n.field??""}`,"bad"];let r=e.dropped?.filter(o=>o.index===s)??[];return r[0]?[`accepted, without ${r.map(({field:o,reason:l})=>`${o} (${l})`).join(", ")}`,"bad"]:["accepted","good"]},A=()=>{let e=i("ol","events"),t=new Map,s=o=>{e.prepend(o),e.childElementCount>L&&e.lastElementChild?.remove()},n=(o,[l,a])=>{o.textContent=l,o.className=`verdict ${a}`},r=o=>{let l=i("span","verdict","waits to be sent"),a=j(o);s(i("li","",O(o.sentAt),` ${o.eventType} `,v(o.itemId??""),` ${a}`,l)),t.set(o.eventId,l);for(let c of[...t.keys()].slice(0,-L))t.delete(c);return l};return{element:e,add:r,answer(o){o.eventList?.forEach((l,a)=>{n(t.get(l.eventId)??r(l),W(o,l,a))})},lose({reason:o,events:l,status:a,error:c}){let u=i("span","verdict");n(u,[`${o} ${a?`${a} ${c}`:""}`,"bad"]),s(i("li","",O(Date.now()),` ${l} events given up`,u))}}};var I=globalThis;var $=(e,t,{x:s,y:n,width:r,height:o})=>{if(t.checkVisibility?.({checkOpacity:!0,checkVisibilityCSS:!0})!==!1&&!t.closest("[inert]"))for(let l of e.document.elementsFromPoint(s+r/2|0,n+o/2|0)){if(t.contains(l)||l.contains(t))return!0;let{opacity:a,backgroundColor:c,backgroundImage:u}=e.getComputedStyle(l);if(+a>.9&&(l.src||/url|rgb\(/.test(u+c)))break}return!1},H=(e,t)=>{let s=e.innerWidth,n=Math.min(e.innerHeight,e.screen.height);for(let r=t.parentElement;r;r=r.parentElement)e.getComputedStyle(r).overflow!=="visible"&&(s=Math.min(s,r.clientWidth||s),n=Math.min(n,r.clientHeight||n));return[s,n]};var _=.5,q=1e3,C=(e=I)=>{let t=new WeakMap,s=(n,r)=>{let o=Math.max(0,r.left),l=Math.max(0,r.top),a=Math.min(e.innerWidth,r.right)-o,c=Math.min(e.innerHeight,r.bottom)-l,[u,m]=H(e,n),b=_*Math.min(r.width,u)*Math.min(r.height,m);return a>0&&c>0&&a*c>=b&&!e.document.hidden&&$(e,n,new DOMRectReadOnly(o,l,a,c))};return{of(n,r){if(!s(n,r))return t.delete(n),0;let o=t.get(n)??e.Date.now();return t.set(n,o),Math.min(1,(e.Date.now()-o)/q)},forget:n=>t.delete(n)}};var V="[data-relay-item]",E="[data-relay-list]",z=100,U=500,K=300,S=e=>{let t=y(e,"recommendation-id");return`${y(e,"source")||"list without a source"} \xB7 ${t||"no recommendation id"}`},F=e=>{if(e.matches(E))return{box:i("div","box list",i("span","label",v(S(e))))};let t=y(e,"event"),s=y(e,"item")||"no item id",n=i("span","label",...t?[`${t} `]:[],v(s));if(t||!e.closest(E))return{box:i("div","box",n)};let r=i("div","fill");return{box:i("div","box",n,r),fill:r}},X=({style:e},{left:t,top:s,width:n,height:r})=>{e.transform=`translate(${Math.round(t)}px, ${Math.round(s)}px)`,e.width=`${Math.round(n)}px`,e.height=`${Math.round(r)}px`},R=()=>{let e=i("div","boxes");e.setAttribute("aria-hidden","true");let t=new Map,s=new WeakSet,n=new Set,r=C(),o=d=>{t.get(d)?.box.remove(),t.delete(d),r.forget(d)},l=d=>{let p=F(d);p.box.classList.toggle("seen",s.has(d)),e.append(p.box),t.set(d,p)},a=new IntersectionObserver(d=>{for(let{target:p,isIntersecting:h}of d)h&&t.size<K&&!t.has(p)?l(p):h||o(p);u()}),c=()=>{for(let d of n)d.isConnected||(a.unobserve(d),n.delete(d),o(d));for(let d of g.document.querySelectorAll(`${E},${V}`))n.has(d)||(n.add(d),a.observe(d))},u=()=>{for(let[d,{box:p,fill:h}]of t){let w=d.getBoundingClientRect();X(p,w),p.classList.toggle("high",w.top<20),h&&(h.style.transform=`scaleX(${s.has(d)?1:r.of(d,w)})`)}},m=()=>f(u),b=[setInterval(m,z),setInterval(()=>f(c),U)];return addEventListener("scroll",m,{capture:!0,passive:!0}),f(c),{element:e,see(d){s.add(d),t.get(d)?.box.classList.add("seen")},show(d){e.hidden=!d},stop(){b.forEach(clearInterval),removeEventListener("scroll",m,{capture:!0}),a.disconnect()}}};var k=(e,t)=>{let s=i("button","",e);return s.type="button",s.setAttribute("aria-label",t),s},P=(e,{showBoxes:t,close:s})=>{let n=i("dd",""),r=i("dd",""),o=i("ul","lists"),l=i("dl","",i("dt","","Session"),n,i("dt","","User"),r),a=i("div","body",l,i("h3","","Lists"),o,i("h3","","Events"),e);a.tabIndex=0,a.setAttribute("role","region"),a.setAttribute("aria-label","Session, lists and events");let c=k("\u25A2","Outlines on the page");c.setAttribute("aria-pressed","true"),c.onclick=()=>{let p=c.getAttribute("aria-pressed")!=="true";c.setAttribute("aria-pressed",`${p}`),t(p)};let u=k("\u2013","Fold");u.setAttribute("aria-expanded","true"),u.onclick=()=>{a.hidden=!a.hidden,u.textContent=a.hidden?"+":"\u2013",u.setAttribute("aria-label",a.hidden?"Unfold":"Fold"),u.setAttribute("aria-expanded",`${!a.hidden}`)};let m=k("\xD7","Close");m.onclick=s;let b=i("section","panel",i("header","",i("h2","","Relay"),c,u,m),a);b.setAttribute("aria-label","Personalize Relay: what is seen and sent"),b.lang="en",b.dir="ltr";let d="";return{element:b,session(p){n.replaceChildren(p?v(p):"nothing is collected: no consent, privacy control, or a robot")},user(p){r.textContent=p},lists(p){let h=JSON.stringify(p);h!==d&&(d=h,o.replaceChildren(...p.map(([w,N,B])=>i("li","",v(w),`: ${N} of ${B} items seen`))),p[0]||o.append(i("li","",g.document.createTextNode("no data-relay-list on this page"))))}}};var D=`
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
`;var Y=500,J=50,Z={ok:"known: the relay took the identity token",none:"none told by this page; a session that was logged in before keeps its user",expired:"not known: the identity token is too old",invalid:"not known: the identity token is none of the relay\u2019s",mismatch:"not known: the identity token is for another session",conflict:"known, and another than this session\u2019s: a new session begins"},G=()=>{let e=i("div","");e.dataset.relayIgnore="";let t=e.attachShadow({mode:"open"}),s=new CSSStyleSheet;s.replaceSync(D),t.adoptedStyleSheets=[s];let n=new Map,r=A(),o=R(),l=()=>c.lists([...g.document.querySelectorAll("[data-relay-list]")].slice(0,J).map(m=>[S(m),n.get(m)?.size??0,m.querySelectorAll("[data-relay-item]:not([data-relay-event])").length])),a=setInterval(()=>f(l),Y),c=P(r.element,{showBoxes:o.show,close(){clearInterval(a),o.stop(),e.remove()}}),u=()=>{c.session(void 0),T(c.session)};t.append(o.element,c.element),g.document.documentElement.append(e),c.user("not told yet: no beacon was answered"),u(),l(),x("session",c.session),x("start",u),x("stop",()=>c.session(void 0)),x("event",r.add),x("lost",r.lose),x("sent",m=>{r.answer(m),c.user(Z[m.identity]??m.identity)}),x("seen",m=>{o.see(m);let b=m.closest("[data-relay-list]");b&&n.set(b,(n.get(b)??new Set).add(y(m,"item")??""))})};f(G);
