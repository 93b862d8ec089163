import assert from "node:assert/strict";
import { test } from "node:test";
import { parseJunitReport } from "./junit_report.ts";

test("parseJunitReport() counts what Node writes, with the reason of a skip", () => {
  const report = parseJunitReport(`<?xml version="1.0" encoding="utf-8"?>
<testsuites>
	<testcase name="plain" time="0.0005" classname="test"/>
	<testsuite name="group" time="0.1" disabled="0" errors="0" tests="2" failures="0" skipped="1" hostname="x">
		<testcase name="a &gt; b &amp; &quot;c&quot;" time="0.0001" classname="test">
			<skipped type="skipped" message="no data here"/>
		</testcase>
	</testsuite>
	<testcase name="bad" time="0.0004" classname="test" failure="1">
		<failure type="testCodeFailure" message="1 &lt; 2">
[Error: <testcase name="no test"/> ]
		</failure>
	</testcase>
	<!-- tests 3 <testcase name="neither"/> -->
</testsuites>`.replace(/\[Error: .*\]/, "Error: &lt;testcase&gt;"));
  assert.deepEqual(report, {
    passed: 1,
    failed: ["bad"],
    skipped: [{ title: 'b & "c"', reason: "no data here" }],
  });
});

test("parseJunitReport() counts what Deno writes, each step once", () => {
  const report = parseJunitReport(`<testsuites name="deno test" tests="3" failures="1" errors="0" time="0.01">
    <testsuite name="./a_test.ts" tests="3" disabled="1" errors="0" failures="1">
        <testcase name="sub" classname="./a_test.ts" time="0.001" line="7" col="1">
        </testcase>
        <testcase name="sub &gt; child" classname="./a_test.ts" time="0.000" line="7" col="69">
            <skipped/>
        </testcase>
        <testcase name="bad" classname="./a_test.ts" time="0.001">
            <failure message="Uncaught Error: x">AssertionError: &lt;a></failure>
        </testcase>
    </testsuite>
</testsuites>`);
  assert.deepEqual(report, { passed: 1, failed: ["bad"], skipped: [{ title: "child", reason: "" }] });
});

test("parseJunitReport() counts what Bun writes, also tests that end in their own tag", () => {
  const report = parseJunitReport(`<testsuites name="bun test" tests="3" assertions="0" failures="1" skipped="1">
  <testsuite name="a_test.ts" file="a_test.ts" tests="3" assertions="0" failures="1" skipped="1" time="0.01">
    <testcase name="plain" classname="" time="0.0007" file="a_test.ts" line="2" assertions="0" />
    <testcase name="left out" classname="grp" time="0" file="a_test.ts" line="6" assertions="0">
      <skipped />
    </testcase>
    <testcase name="bad" classname="" time="0.1" file="a_test.ts" line="9" assertions="1">
      <failure type="AssertionError" />
    </testcase>
  </testsuite>
</testsuites>`);
  assert.deepEqual(report, { passed: 1, failed: ["bad"], skipped: [{ title: "left out", reason: "" }] });
});
