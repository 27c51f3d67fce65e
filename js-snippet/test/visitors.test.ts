import { test } from 'node:test';
import { visit } from './visitors.js';

for (let seed = 0; seed < +(process.env.LIVES ?? 150); seed++) {
  test(`every event arrives once as the user it happened under, whatever happens (life ${seed})`, () =>
    visit(seed, 40));
}
