/**
 * The agent's one tool: reads a sensor, which is a file, as the kernel shows them under `/sys`.
 *
 * @module
 */

/** The tool, in the endpoint's shape. */
export const sensorTool: unknown = {
  type: "function",
  function: {
    name: "read_sensor",
    description: "Reads the board's sensor now. Returns what it says, and when.",
    parameters: { type: "object", properties: {} },
  },
};

/** What the tool needs. */
export interface SensorReading {
  /** The sensor's file. */
  readonly path: string;
  /** Reads a small file. */
  readText(path: string): Promise<string>;
  /** The time, for the result. */
  now(): Date;
}

const textLengthMax = 4096;

/**
 * Runs a call. What goes wrong is told to the model, which can say so.
 *
 * @param name The tool that the model named.
 * @param sensor Where to read.
 * @returns The result, as text.
 */
export async function runTool(name: string, sensor: SensorReading): Promise<string> {
  if (name !== "read_sensor") return `There is no tool ${name}; there is: read_sensor`;
  try {
    const text = (await sensor.readText(sensor.path)).trim().slice(0, textLengthMax);
    return JSON.stringify({ sensor: sensor.path, value: text, at: sensor.now().toISOString() });
  } catch (error) {
    return `The sensor ${sensor.path} could not be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}
