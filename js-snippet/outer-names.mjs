// Short names for the variables that the whole script shares, of which there are more than letters. Those used most get a
// letter that no inner variable has, so first arguments are `e` everywhere, whatever is used beside them; the others two
// letters of which the last is most often `e`. In the order of their places, alike for what stands together: brotli finds
// more repeated, 90 bytes of it.
import * as generator from '@babel/generator';
import { parse } from '@babel/parser';
import * as traverser from '@babel/traverse';

const LETTERS = 'etnoisrcaldumhpfvgybwkxjqz';
const CAPITALS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
/** Letters left to inner variables. */
const INNER = 12;
const WORDS = /^(as|do|if|in|is|of)$/;

const short = [...CAPITALS, ...LETTERS.slice(INNER)];
const long = [...'esrotni']
  .flatMap((last) => [...LETTERS].map((first) => first + last))
  .filter((it) => !WORDS.test(it));

/** The script with its outer variables named, and the names, which nothing inside may take. */
export function nameOuter(code) {
  const program = parse(code);
  const variables = [];
  traverser.default.default(program, {
    Function({ node: { start, end }, scope }) {
      if (end - start > code.length / 2) {
        variables.push(...Object.values(scope.bindings));
      }
    },
  });
  const uses = ({ references, constantViolations }) => references + constantViolations.length;
  const most = new Set([...variables].sort((a, b) => uses(b) - uses(a)).slice(0, short.length));
  const shortLeft = [...short];
  const longLeft = [...long];
  variables.sort((a, b) => a.identifier.start - b.identifier.start);
  const names = variables.map((variable) => (most.has(variable) ? shortLeft : longLeft).shift());
  variables.forEach(({ identifier, referencePaths, constantViolations }, i) => {
    const before = identifier.name;
    const written = constantViolations.map((path) => path.getBindingIdentifiers()[before]);
    for (const node of [identifier, ...referencePaths.map(({ node }) => node), ...written]) {
      node.name = names[i];
    }
  });
  return { code: generator.default.default(program).code, names };
}
