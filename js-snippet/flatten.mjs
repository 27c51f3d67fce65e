// Takes the parts of one tracker, each a function that makes an object, apart into one scope: the tag has one of each, so
// nothing is handed over and no object is made. A bundler does not do this, for a module of npm makes many trackers.
//
//   const createBus = (env) => { const say = (line) => env.console.warn(line); return { _say: say }; };
//   const bus = createBus(platform); bus._say('x');      becomes
//   const say = (line) => console.warn(line); say('x');
//
// Each step leaves a program that does the same; they are repeated until none finds anything more.
import * as generator from '@babel/generator';
import { parse } from '@babel/parser';
import * as traverser from '@babel/traverse';
import * as t from '@babel/types';

const generate = generator.default.default;

/** Walks with scopes made anew: every step has changed what refers to what. */
const traverse = (program, visitor) => {
  traverser.default.default.cache.clear();
  traverser.default.default(program, visitor);
};

const isStatementList = ({ type }) => type === 'BlockStatement' || type === 'Program';
const isMember = ({ type, computed }) => /^(Optional)?MemberExpression$/.test(type) && !computed;
const isFunction = (node) => node && /^(Arrow)?FunctionExpression$/.test(node.type) && !node.async && !node.generator;
const isUndefined = (node) => t.isIdentifier(node, { name: 'undefined' });
const declare = (id, init) =>
  t.variableDeclaration('let', [t.variableDeclarator(id, init ?? t.identifier('undefined'))]);

/** Puts another name where a variable is read. */
const rename = ({ node, parent }, name) => {
  if (parent.type === 'ObjectProperty') {
    parent.shorthand = false;
  }
  node.name = name;
};

/** No two variables of the program share a name, nor has one the name of a global that is used: code can be moved. */
function nameApart(program, globals) {
  const taken = new Map([...globals].map((name) => [name, 1]));
  const seen = new Set();
  traverse(program, {
    Scopable({ scope }) {
      for (const [name, binding] of Object.entries(scope.bindings)) {
        if (!seen.has(binding)) {
          seen.add(binding);
          const count = taken.get(name) ?? 0;
          taken.set(name, count + 1);
          if (count) {
            scope.rename(name, `${name}$${count}`);
          }
        }
      }
    },
  });
}

/** One variable a declaration. */
function declareSingly(program) {
  traverse(program, {
    VariableDeclaration(path) {
      const { declarations, kind } = path.node;
      if (declarations.length > 1 && isStatementList(path.parent)) {
        path.replaceWithMultiple(declarations.map((one) => t.variableDeclaration(kind, [one])));
      }
    },
  });
}

/** Puts in what is always so; `given` is there, `absent` is not. */
function assume(program, given, absent) {
  const settle = {
    exit(path) {
      const { test, left, right, operator, consequent, alternate } = path.node;
      const condition = test ?? (operator === '&&' ? left : undefined);
      if (condition && (t.isBooleanLiteral(condition, { value: true }) || isUndefined(condition))) {
        const chosen = isUndefined(condition) ? (alternate ?? (test ? undefined : left)) : (consequent ?? right);
        if (!chosen) {
          path.remove();
        } else if (chosen.type === 'BlockStatement') {
          path.replaceWithMultiple(chosen.body);
        } else {
          path.replaceWith(chosen);
        }
      }
    },
  };
  traverse(program, {
    'MemberExpression|OptionalMemberExpression'(path) {
      const { node, parent } = path;
      if (!isMember(node) || node.object.type !== 'Identifier') {
        return;
      }
      const name = `${node.object.name.replace(/\$\d+$/, '')}.${node.property.name}`;
      const isTest =
        parent.test === node || (parent.operator === '&&' && parent.left === node) || parent.operator === '!';
      if (absent.includes(name)) {
        path.replaceWith(t.identifier('undefined'));
      } else if (given.includes(name) && isTest) {
        path.replaceWith(t.booleanLiteral(true));
      }
    },
  });
  traverse(program, { LogicalExpression: settle, ConditionalExpression: settle, IfStatement: settle });
}

/** Puts the body of a function that is called once, by a statement of its own, in the place of the call. */
function inline(program) {
  let hasDone = false;
  traverse(program, {
    VariableDeclarator(path) {
      const { id, init } = path.node;
      const binding = id.type === 'Identifier' && isFunction(init) && path.scope.getBinding(id.name);
      const [place] = binding?.constant && binding.references === 1 ? binding.referencePaths : [];
      const call = place?.parentPath;
      if (call?.node.type !== 'CallExpression' || call.node.callee !== place.node) {
        return;
      }
      const holder = call.parentPath;
      const isAlone = holder.node.type === 'ExpressionStatement';
      const statement = isAlone ? holder : holder.node.init === call.node ? holder.parentPath : undefined;
      const { params } = init;
      if (!statement || !isStatementList(statement.parent) || params.some(({ type }) => type !== 'Identifier')) {
        return;
      }
      const body = init.body.type === 'BlockStatement' ? [...init.body.body] : [t.returnStatement(init.body)];
      const result = body.at(-1)?.type === 'ReturnStatement' ? body.pop().argument : undefined;
      let returns = 0;
      path.get('init').traverse({ ReturnStatement: () => void returns++, Function: (inner) => inner.skip() });
      if (returns > (result && init.body.type === 'BlockStatement' ? 1 : 0)) {
        return; // It may end early.
      }
      const given = params.map((param, i) => declare(param, call.node.arguments[i]));
      const end = isAlone ? result && t.expressionStatement(result) : declare(holder.node.id, result);
      path.remove();
      statement.replaceWithMultiple([...given, ...body, ...(end ? [end] : [])]);
      hasDone = true;
      path.stop();
    },
  });
  return hasDone;
}

/** Makes variables of an object's private members, where it is only there to be asked for them. */
function explode(program) {
  let hasDone = false;
  traverse(program, {
    VariableDeclarator(path) {
      const { id, init } = path.node;
      const binding = id.type === 'Identifier' && path.scope.getBinding(id.name);
      if (!binding?.constant || init?.type !== 'ObjectExpression' || !isStatementList(path.parentPath.parent)) {
        return;
      }
      const members = new Map(init.properties.map((member) => [member.key?.name, member]));
      const isAsked = ({ node, parent }) =>
        isMember(parent) && parent.object === node && members.has(parent.property.name);
      const isPrivate = [...members.keys()].every((name) => name?.startsWith('_'));
      if (!members.size || !isPrivate || !binding.referencePaths.every(isAsked)) {
        return;
      }
      for (const { parent, parentPath } of binding.referencePaths) {
        parentPath.replaceWith(t.identifier(id.name + parent.property.name));
      }
      path.parentPath.replaceWithMultiple(
        [...members].map(([name, { value, params, body, async }]) =>
          declare(t.identifier(id.name + name), value ?? t.arrowFunctionExpression(params, body, async)),
        ),
      );
      hasDone = true;
      path.stop();
    },
  });
  return hasDone;
}

/** One name for what has two: a variable that only ever is another, or a global. */
function joinNames(program, globals) {
  const seen = new Set();
  traverse(program, {
    VariableDeclarator(path) {
      const { id, init } = path.node;
      if (id.type !== 'Identifier' || init?.type !== 'Identifier' || seen.has(init.name) || seen.has(id.name)) {
        return;
      }
      const binding = path.scope.getBinding(id.name);
      if (binding.constant && (path.scope.getBinding(init.name)?.constant || globals.has(init.name))) {
        seen.add(id.name).add(init.name);
        for (const place of binding.referencePaths) {
          rename(place, init.name);
        }
        path.remove();
      }
    },
  });
  return seen.size > 0;
}

/** Hands nothing over that is the same variable at every call. */
function dropArguments(program) {
  let hasDone = false;
  traverse(program, {
    VariableDeclarator(path) {
      const { id, init } = path.node;
      const { constant, referencePaths } = (id.type === 'Identifier' && path.scope.getBinding(id.name)) || {};
      const isCall = ({ node, parent }) => parent.type === 'CallExpression' && parent.callee === node;
      if (!constant || !init?.params || !referencePaths[0] || !referencePaths.every(isCall)) {
        return;
      }
      const calls = referencePaths.map(({ parent }) => parent.arguments);
      const at = init.params.findIndex(({ name }, i) => {
        const said = calls[0][i]?.name;
        const isKnown = name && said && path.scope.getBinding(said)?.constant;
        return isKnown && calls.every((args) => args[i]?.name === said);
      });
      if (at >= 0) {
        const name = calls[0][at].name;
        for (const place of path.get('init').scope.getBinding(init.params[at].name).referencePaths) {
          rename(place, name);
        }
        for (const args of [...calls, init.params]) {
          args.splice(at, 1);
        }
        hasDone = true;
        path.stop();
      }
    },
  });
  return hasDone;
}

/** Names globals without the object they are on. */
function nameGlobals(program, object, globals) {
  traverse(program, {
    'MemberExpression|OptionalMemberExpression'(path) {
      const { node } = path;
      if (isMember(node) && t.isIdentifier(node.object, { name: object }) && globals.has(node.property.name)) {
        path.replaceWith(t.identifier(node.property.name));
      }
    },
  });
}

/**
 * @param code A script, bundled and not minified.
 * @param options.given, options.absent `object.member`: what is always there, what never is.
 * @param options.object The variable that is the global object, and `globals`: which of its members go by their names alone.
 */
export function flatten(code, { given, absent, object, globals }) {
  const program = parse(code);
  nameApart(program, globals);
  declareSingly(program);
  assume(program, given, absent);
  const isUseful = (step) => {
    const isFirst = step(program, globals);
    while (isFirst && step(program, globals));
    return isFirst;
  };
  while ([inline, joinNames, explode, dropArguments].filter(isUseful)[0]);
  nameGlobals(program, object, globals);
  while (joinNames(program, globals));
  traverse(program, {
    VariableDeclaration({ node }) {
      node.kind = 'let';
    },
  });
  return generate(program, { comments: false }).code;
}
