// Carousels as people write them: links in slides, that the mouse drags. Which one: the fragment of the address.
import Splide from '@splidejs/splide';
import EmblaCarousel from 'embla-carousel';
import Swiper from 'swiper';
import { EffectFade } from 'swiper/modules';

const name = location.hash.slice(1);
const items = ['p1', 'p2', 'p3', 'p4', 'p5'];
const parts = {
  swiper: ['swiper', 'swiper-wrapper', 'swiper-slide'],
  fade: ['swiper', 'swiper-wrapper', 'swiper-slide'],
  embla: ['embla', 'embla__container', 'embla__slide'],
  splide: ['splide__track', 'splide__list', 'splide__slide'],
}[name] as [string, string, string];
const [outer, inner, slide] = parts;
const track = `<div class="${outer}"><div class="${inner}">${items
  .map(
    (item) => `<div class="${slide}"><a data-relay-item="${item}" draggable="false" href="#${item}">${item}</a></div>`,
  )
  .join('')}</div></div>`;
document.body.innerHTML = `<style>
  body { margin: 0 } .${outer} { width: 600px; overflow: hidden; position: relative }
  .${inner} { display: flex } .${slide} { flex: 0 0 ${name === 'fade' ? 600 : 200}px; position: relative }
  .${slide} a { display: block; height: 150px; background: #eee; user-select: none }
</style><section data-relay-list data-relay-recommendation-id="R">${
  name === 'splide' ? `<div class="splide">${track}</div>` : track
}</section>`;

const root = document.querySelector<HTMLElement>(`.${outer}`) as HTMLElement;
const start: { [name: string]: () => unknown } = {
  swiper: () => new Swiper(root, { slidesPerView: 3 }),
  fade: () => new Swiper(root, { modules: [EffectFade], effect: 'fade', fadeEffect: { crossFade: true } }),
  embla: () => EmblaCarousel(root, { dragFree: true }),
  splide: () => new Splide('.splide', { perPage: 3, fixedWidth: 200, pagination: false, arrows: false }).mount(),
};
start[name]?.();
document.body.id = 'ready';
