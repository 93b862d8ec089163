/**
 * A conversation of an agent that looks after a greenhouse: made up from a seed, with what real ones have: tool calls
 * with results of a line or of hundreds, several languages, numbers beyond 2^53, odd characters.
 *
 * @module
 */

import { type SeededRandom, seededRandom } from "./seeded_random.ts";

const questions = [
  "How warm is it in the greenhouse?",
  "Wie warm ist es im Gewächshaus? Läuft die Lüftung?",
  "温室の温度を教えてください。",
  "Жарко ли в теплице?",
  "هل النباتات بخير؟",
  "Check the logs of the pump, please \u{1f331}",
  "Why did the valve <close> & open again last night?",
  "Water bed 3 for ten minutes, but only if the soil is dry.",
] as const;

const answers = [
  "It is {n} °C inside, the vents are open.",
  "Es sind {n} °C, die Lüftung läuft auf Stufe 2.",
  "現在の温度は {n} 度です 🌡️",
  "Сейчас {n} °C, всё в порядке.",
  "The pump ran {n} times today; the longest run took 4 minutes.\n\n| hour | runs |\n|---|---|\n| 6 | 3 |\n| 7 | 5 |",
  "Done: bed 3 got water for {n} minutes. \u{1f469}\u{1f3fd}\u200d\u{1f33e}",
  'The soil is wet enough ({n} %), so I left the valve "closed".',
] as const;

const tools = ["read_sensor", "read_log", "set_valve", "weather_forecast"] as const;

/**
 * Makes a conversation.
 *
 * @param count How many records.
 * @param seed The same seed gives the same conversation.
 * @returns The records as JSON texts; no two are equal.
 */
export function demoTranscript(count: number, seed: number): string[] {
  const random = seededRandom(seed);
  const clock = { ms: Date.UTC(2026, 2, 1, 6, 0, 0) };
  const texts: string[] = [];
  const add = (fields: Record<string, unknown>): void => {
    clock.ms += 1 + random.below(90_000);
    texts.push(JSON.stringify({ ...fields, created_at: new Date(clock.ms).toISOString() }));
  };
  add({ role: "system", content: "You look after a greenhouse. Be brief; water costs money." });
  for (let turn = 0; texts.length < count; turn++) {
    add({ role: "user", content: `${random.pick(questions)} (${turn})` });
    for (let calls = random.below(4); calls > 0; calls--) addToolCall(random, `${turn}_${calls}`, add, texts);
    add({ role: "assistant", content: random.pick(answers).replace("{n}", String(random.below(400) / 10)) });
  }
  return texts.slice(0, count);
}

function addToolCall(
  random: SeededRandom,
  id: string,
  add: (fields: Record<string, unknown>) => void,
  texts: string[],
): void {
  const name = random.pick(tools);
  const callId = `call_${id}`;
  add({
    role: "assistant",
    content: "",
    tool_calls: [{
      id: callId,
      type: "function",
      function: { name, arguments: JSON.stringify({ bed: random.below(9) }) },
    }],
  });
  add({ role: "tool", content: toolResult(random, name), tool_call_id: callId });
  // JSON.stringify could not write such a number.
  const last = texts.pop() ?? "{}";
  texts.push(last.replace(/}$/, `,"device_clock_ns":17${String(random.below(1e8)).padStart(17, "4")}}`));
}

function toolResult(random: SeededRandom, name: string): string {
  if (name === "set_valve") return '{"ok":true}';
  if (name === "read_sensor") return JSON.stringify({ celsius: random.below(400) / 10, humidity: random.below(101) });
  const lines = name === "read_log" ? 20 + random.below(300) : 8;
  return Array.from(
    { length: lines },
    (_, line) =>
      `2026-03-01T${String(line % 24).padStart(2, "0")}:${String(random.below(60)).padStart(2, "0")}Z ` +
      `pump[${random.below(40_000)}]: \u001b[32mflow\u001b[0m ${random.below(1_000)} ml/min, druck ${
        random.below(50) / 10
      } bar ✓`,
  )
    .join("\n");
}
