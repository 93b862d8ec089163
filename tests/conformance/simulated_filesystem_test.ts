import { SimulatedFileSystem } from "../../src/testing/mod.ts";
import { type ConformanceEnvironment, runFilesystemConformance } from "./filesystem_conformance.ts";

async function environment(model: "ordered" | "weak", reflinks = false): Promise<ConformanceEnvironment> {
  const fileSystem = new SimulatedFileSystem({ model, reflinks });
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
runFilesystemConformance("SimulatedFileSystem (weak, sharing bytes)", () => environment("weak", true));
