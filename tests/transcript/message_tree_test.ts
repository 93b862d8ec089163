import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import { type ActiveChain, type ChainLimits, MessageTree } from "../../src/transcript/message_tree.ts";

const noLimits: ChainLimits = { boundaryId: null, first: 0, isElsewhere: () => false };

/** Messages in the order of their records, each `id` or `id<parent`. */
function tree(...messages: string[]): MessageTree {
  const made = new MessageTree();
  for (const [sequence, text] of messages.entries()) {
    const [id = "", parentId = null] = text.split("<");
    made.add({ id, parentId, sequence });
  }
  return made;
}

function walk(made: MessageTree, limits: Partial<ChainLimits> = {}): [string, ActiveChain["end"], string?] {
  const { nodes, end, missingId } = made.chain({ ...noLimits, ...limits });
  const ids = nodes.map(({ id }) => id).join(" ");
  return missingId === undefined ? [ids, end] : [ids, end, missingId];
}

test("MessageTree.chain() leads from the first message to the last", () => {
  assert.deepEqual(walk(tree()), ["", "start"]);
  assert.deepEqual(walk(tree("a", "b<a", "c<b")), ["a b c", "start"]);
});

test("MessageTree.chain() follows the last message that no other follows", () => {
  assert.deepEqual(walk(tree("a", "b<a", "c<b", "d<a")), ["a d", "start"], "a branch that was begun later");
  assert.deepEqual(walk(tree("b<a", "c<b", "a")), ["a b c", "start"], "a parent that comes after its child");
});

test("MessageTree.chain() ends at, and with, the boundary of a compaction", () => {
  assert.deepEqual(walk(tree("a", "b<a", "c<b"), { boundaryId: "b" }), ["b c", "boundary"]);
  assert.deepEqual(walk(tree("a", "b<a"), { boundaryId: "nowhere" }), ["a b", "start"]);
});

test("MessageTree.chain() ends at a parent that is not there, and says which", () => {
  assert.deepEqual(walk(tree("b<a", "c<b")), ["b c", "missing", "a"]);
  assert.deepEqual(walk(tree("b<a", "c<b"), { isElsewhere: (id) => id === "a" }), ["b c", "start"]);
});

test("MessageTree.chain() ends in front of what was truncated", () => {
  assert.deepEqual(walk(tree("a", "b<a", "c<b"), { first: 1 }), ["b c", "hidden"]);
  assert.deepEqual(walk(tree("a", "b<a"), { first: 9 }), ["", "hidden"]);
});

test("MessageTree.chain() goes round a cycle once, from the last message", () => {
  assert.deepEqual(walk(tree("a<c", "b<a", "c<b")), ["a b c", "cycle"]);
  assert.deepEqual(walk(tree("a<a")), ["a", "cycle"]);
  assert.deepEqual(walk(tree("a<b", "b<a", "c<b")), ["a b c", "cycle"]);
});

test("MessageTree takes the later of two messages with one id, at the later place", () => {
  assert.deepEqual(walk(tree("a", "b<a", "c<b", "c<a")), ["a c", "start"]);
  assert.equal(tree("a", "b<a", "b<a").size, 2);
  assert.equal(tree("a", "b<a", "c<a", "b<a").leaf(), "b");
});

test("MessageTree is total, and agrees with a walk over a plain list", () => {
  const ids = fc.constantFrom("a", "b", "c", "d", "e", "f");
  const message = fc.tuple(ids, fc.option(ids));
  fc.assert(fc.property(fc.array(message, { maxLength: 14 }), fc.option(ids), fc.nat(14), (list, boundaryId, first) => {
    const made = new MessageTree();
    const latest = new Map<string, { parentId: string | null; sequence: number }>();
    for (const [sequence, [id, parentId]] of list.entries()) {
      made.add({ id, parentId, sequence });
      latest.set(id, { parentId, sequence });
      const parents = new Set([...latest.values()].map((node) => node.parentId));
      const order = list.slice(0, sequence + 1).map(([each]) => each);
      const expected = order.findLast((each) => !parents.has(each)) ?? order.at(-1) ?? null;
      assert.equal(made.leaf(), expected);
    }
    const { nodes, end } = made.chain({ ...noLimits, boundaryId, first });
    assert.equal(new Set(nodes.map(({ id }) => id)).size, nodes.length, "no message twice");
    for (const [index, node] of nodes.entries()) {
      assert.equal(node.sequence, latest.get(node.id)?.sequence);
      if (index > 0) assert.equal(node.parentId, nodes[index - 1]?.id);
    }
    assert.ok(nodes.every(({ sequence }) => sequence >= first));
    const oldest = nodes[0];
    if (end === "start") assert.equal(oldest?.parentId ?? null, null);
    if (end === "boundary") assert.equal(oldest?.id, boundaryId);
    if (end === "missing") assert.ok(!latest.has(oldest?.parentId ?? ""));
    if (end === "cycle") assert.ok(nodes.some(({ id }) => id === oldest?.parentId));
  }));
});
