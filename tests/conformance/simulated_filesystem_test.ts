import { SimulatedFileSystem } from "../../src/testing/mod.ts";
import { type ConformanceEnvironment, runFilesystemConformance } from "./filesystem_conformance.ts";

async function environment(model: "ordered" | "weak"): Promise<ConformanceEnvironment> {
  const fileSystem = new SimulatedFileSystem({ model });
  await fileSystem.makeDirectory("/directory", 0o755);
  return {
    fileSystem,
    directory: "/directory",
    supports: {
      makeSymlink: async (target, path) => fileSystem.addSymbolicLink(path, target),
    },
    close: async () => {},
  };
}

runFilesystemConformance("SimulatedFileSystem (weak)", () => environment("weak"));
runFilesystemConformance("SimulatedFileSystem (ordered)", () => environment("ordered"));
