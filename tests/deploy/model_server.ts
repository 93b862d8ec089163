/**
 * The pretend model as a program, for a machine that has nothing but `holdfast` itself: it listens at the agent's address,
 * reads the sensor for every question, answers with the question's own words, and keeps silent when it is asked to.
 *
 * @module
 */

import process from "node:process";
import { PretendModel, sensorCall, words } from "./pretend_model.ts";

const model = await PretendModel.start(({ messages, tools }, number) => {
  const asked = messages.findLast(({ role }) => role === "user")?.content ?? "";
  const result = messages.at(-1)?.role === "tool" ? messages.at(-1)?.content : undefined;
  process.stdout.write(`${JSON.stringify({ number, asked, messages: messages.length })}\n`);
  if (asked.includes("keep silent")) return { ...words("It is "), ending: "silent" };
  if (tools !== undefined && result === undefined) return sensorCall(`c${number}`);
  return words(`You asked: ${asked} The sensor says ${result}`);
}, Number(process.argv[2] ?? 8080));
console.log(model.url);
