import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import { isSideRecord, parseSideRecord, sideRecordIdentity, sideRecordText } from "../../src/formats/side_record.ts";

const anyText = fc.string({ unit: "binary" });
const anyName = fc.record({ format: anyText, part: anyText, name: anyText }, { noNullPrototype: true });

test("sideRecordText() and parseSideRecord(): any name and value come back, the value with its text", () => {
  const value = fc.oneof(fc.json(), fc.constantFrom("12345678901234567890", '{"value":1,"a":1,"a":2}'));
  fc.assert(fc.property(anyName, value, (name, valueText) => {
    const text = sideRecordText(name, valueText);
    assert.ok(isSideRecord(text));
    assert.deepEqual(parseSideRecord(text), { ...name, valueText });
  }));
});

test("sideRecordIdentity() is the same for the same name only, and its digest for the same value", () => {
  fc.assert(fc.property(anyName, anyName, fc.json(), fc.json(), (one, other, a, b) => {
    const identity = sideRecordIdentity(sideRecordText(one, a));
    assert.deepEqual(sideRecordIdentity(sideRecordText(one, a)), identity);
    assert.equal(sideRecordIdentity(sideRecordText(one, b))?.name, identity?.name);
    assert.equal(sideRecordIdentity(sideRecordText(one, b))?.digest === identity?.digest, a === b);
    const isSame = one.format === other.format && one.part === other.part && one.name === other.name;
    assert.equal(sideRecordIdentity(sideRecordText(other, a))?.name === identity?.name, isSame);
  }));
});

test("parseSideRecord() of any other record is nothing", () => {
  for (const text of ["{}", '{"type":"message"}', ' {"type":"holdfast.sidecar","format":"x"}']) {
    assert.equal(parseSideRecord(text), undefined);
    assert.equal(sideRecordIdentity(text), undefined);
  }
  assert.equal(parseSideRecord('{"type":"holdfast.sidecar","format":"x"}'), undefined);
  assert.equal(parseSideRecord('{"type":"holdfast.sidecar","format":"x","part":"p","name":"n"}'), undefined);
});
