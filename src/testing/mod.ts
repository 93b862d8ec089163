export { type Choices } from "./crash_choices.ts";
export { type CrashState, crashStates, type CrashStatesOptions } from "./crash_states.ts";
export { type PendingDescription } from "./crash_story.ts";
export { type DeviceProfile } from "./lying_device.ts";
export { type CrashModel, type SectorBytes } from "./pending_operations.ts";
export { SimulatedFileSystem } from "./simulated_filesystem.ts";
export { type SimulatedCounters, type SimulatedFileSystemOptions, type StepHook } from "./simulated_machine.ts";
export { type SyncFaultMode } from "./writeback.ts";
