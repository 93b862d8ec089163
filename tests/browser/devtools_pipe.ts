/** Drives Chromium through its DevTools protocol over a pipe, without a package: messages of JSON that end in NUL. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

/** Where Debian and others put it. */
const candidates = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Chromium's program; undefined where there is none. */
export function findChromium(): string | undefined {
  return candidates.find((path) => existsSync(path));
}

type Values = Record<string, unknown>;

function valuesOf(value: unknown): Values {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/** A browser with one page. */
export class Browser {
  /** Every event of the page, in order: its method and what came with it. */
  readonly events: { method: string; params: Values }[] = [];
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #input: Writable;
  readonly #pending = new Map<number, { resolve: (result: Values) => void; reject: (error: Error) => void }>();
  readonly #listeners = new Set<() => void>();
  #session: string | undefined;
  #count = 0;

  private constructor(process: ChildProcess, profile: string) {
    this.#process = process;
    this.#profile = profile;
    this.#input = process.stdio[3] as Writable;
    const output = process.stdio[4] as Readable;
    let waiting = "";
    output.setEncoding("utf8");
    output.on("data", (chunk: string) => {
      const messages = (waiting + chunk).split("\0");
      waiting = messages.pop() ?? "";
      for (const message of messages) this.#take(valuesOf(JSON.parse(message)));
    });
    process.once("exit", (code) => {
      for (const { reject } of this.#pending.values()) reject(new Error(`Chromium ended with ${code}`));
    });
  }

  /** Starts it, with a profile of its own. */
  static async start(program: string): Promise<Browser> {
    const profile = await mkdtemp(join(tmpdir(), "holdfast-browser-"));
    const flags =
      "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking " +
      "--disable-component-update --disable-sync --disable-extensions --disable-default-apps --disable-dev-shm-usage " +
      "--host-resolver-rules=MAP|*|~NOTFOUND --remote-debugging-pipe about:blank";
    const child = spawn(program, [
      `--user-data-dir=${profile}`,
      ...flags.split(" ").map((flag) => flag.replaceAll("|", " ")),
    ], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    const browser = new Browser(child, profile);
    const { targetInfos } = await browser.send("Target.getTargets");
    const page = Array.isArray(targetInfos) ? targetInfos.map(valuesOf).find(({ type }) => type === "page") : undefined;
    const { sessionId } = await browser.send("Target.attachToTarget", { targetId: page?.["targetId"], flatten: true });
    browser.#session = String(sessionId);
    for (const domain of ["Page", "Runtime", "Network", "Log", "Audits"]) await browser.send(`${domain}.enable`);
    return browser;
  }

  /** Calls a method of the protocol. */
  send(method: string, params: Values = {}): Promise<Values> {
    const id = ++this.#count;
    const session = this.#session === undefined ? {} : { sessionId: this.#session };
    this.#input.write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
  }

  /** Opens a page and waits until it has been loaded. */
  async open(url: string): Promise<void> {
    this.events.length = 0;
    await this.send("Page.navigate", { url });
    while (!this.events.some(({ method }) => method === "Page.loadEventFired")) await this.#next();
  }

  /** What an expression is in the page; a promise is awaited. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return valuesOf(result)["value"];
  }

  /** Types a key, as a keyboard would. */
  async press(key: string, modifiers = 0): Promise<void> {
    const text = key.length === 1 ? { text: key } : key === "Enter" ? { text: "\r" } : {};
    const code = key === "Enter"
      ? { windowsVirtualKeyCode: 13 }
      : key === "Escape"
      ? { windowsVirtualKeyCode: 27 }
      : key === "Tab"
      ? { windowsVirtualKeyCode: 9 }
      : {};
    const event = { key, modifiers, ...code };
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", ...event, ...text });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...event });
  }

  /** Sets the size of the window, and which theme the system asks for. */
  async resize(width: number, height: number, theme: "dark" | "light" = "light"): Promise<void> {
    await this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 600 });
    await this.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: theme }] });
  }

  /** What the page looks like: a PNG. */
  async screenshot(): Promise<Uint8Array> {
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    return Uint8Array.from(atob(String(data)), (character) => character.charCodeAt(0));
  }

  /** Ends it. */
  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGKILL");
    await ended;
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  #take(message: Values): void {
    const { id, method, params, result, error } = message;
    if (typeof id === "number") {
      const pending = this.#pending.get(id);
      this.#pending.delete(id);
      if (error === undefined) pending?.resolve(valuesOf(result));
      else pending?.reject(new Error(JSON.stringify(error)));
    } else this.events.push({ method: String(method), params: valuesOf(params) });
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }

  #next(): Promise<void> {
    return new Promise((resolve) => this.#listeners.add(() => resolve()));
  }
}
