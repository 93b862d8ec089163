import { runtimeFileSystem } from "../../src/fs/runtime_filesystem.ts";
import { runFilesystemConformance } from "./filesystem_conformance.ts";
import { runtimeEnvironment } from "./runtime_environment.ts";

runFilesystemConformance("runtimeFileSystem", () => runtimeEnvironment(runtimeFileSystem));
