// A list of recommendations in Vue. Built and driven by tests/browser/snippet/test_npm_package.py.
import { createTracker } from 'personalize-relay';
import { relayList } from 'personalize-relay/vue';
import { createApp, defineComponent, h, ref, withDirectives } from 'vue';

const tracker = createTracker({ token: 'site', endpoint: '/r/e', flushMs: 50 });
const vRelayList = relayList(tracker);

// In a template: <ul v-relay-list="shown"> <li v-for="item in shown.items" :data-relay-item="item">
const Shop = defineComponent(() => {
  const shown = ref({ recommendationId: 'RID-1', items: ['p1', 'p2'], source: 'home-top' });
  const more = () => {
    shown.value = { recommendationId: 'RID-2', items: ['p3', 'p4'], source: 'home-top' };
  };
  return () => [
    withDirectives(
      h(
        'ul',
        shown.value.items.map((item) => h('li', { key: item, 'data-relay-item': item }, item)),
      ),
      [[vRelayList, shown.value]],
    ),
    h('button', { onClick: more }, 'more'),
  ];
});

createApp(Shop).mount(document.body.appendChild(document.createElement('main')));
