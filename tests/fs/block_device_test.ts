/**
 * Block devices of a made-up Linux.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type BlockDevice,
  deviceNumbers,
  lookUpBlockDevice,
  mountOf,
  parseBlockStat,
  parseMounts,
  type SystemReader,
} from "../../src/fs/block_device.ts";

const statText =
  " 68436 10398 5684306 104681 187641 35986 10299224 46980 0 33708 165196 44661 300 5387152 8624 48691 4911\n";

interface MadeUpSystem {
  files: Record<string, string>;
  links?: Record<string, string>;
  device?: number;
  names?: Record<string, string[]>;
}

function systemOf({ files, links = {}, device = 0, names = {} }: MadeUpSystem): SystemReader {
  const lookUp = async <T>(from: Record<string, T>, path: string): Promise<T> => {
    const value = from[path];
    if (value === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
    return value;
  };
  return {
    readText: (path) => lookUp(files, path),
    realPath: async (path) => links[path] ?? path,
    deviceNumber: async () => device,
    readNames: (path) => lookUp(names, path),
  };
}

function deviceOf(lookup: { device: BlockDevice | null; reason: string }): BlockDevice {
  assert.ok(lookup.device !== null, lookup.reason);
  return lookup.device;
}

test("parseBlockStat reads writes, sectors and flushes", () => {
  assert.deepEqual(parseBlockStat(statText), { writes: 187641, bytesWritten: 10299224 * 512, flushes: 48691 });
});

test("parseBlockStat: a kernel without flushes in it says null, and what is no such file is none", () => {
  assert.deepEqual(parseBlockStat("1 2 3 4 5 6 7 8 9 10 11"), { writes: 5, bytesWritten: 7 * 512, flushes: null });
  assert.deepEqual(parseBlockStat("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15")?.flushes, null);
  for (const text of ["", "\n", "1 2 3 4 5 6", "1 2 3 4 x 6 7"]) assert.equal(parseBlockStat(text), null, text);
});

test("parseMounts reads mountinfo, with and without optional fields, and spelled-out blanks", () => {
  const text = [
    "27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/root rw",
    "31 27 0:30 / /tmp rw - tmpfs tmpfs rw,size=1k",
    "40 27 179:1 /a /mnt/my\\040card rw shared:4 - vfat /dev/mmcblk0p1 rw",
    "",
    "rubbish",
  ].join("\n");
  assert.deepEqual(parseMounts(text), [
    { point: "/", type: "ext4", source: "/dev/root" },
    { point: "/tmp", type: "tmpfs", source: "tmpfs" },
    { point: "/mnt/my card", type: "vfat", source: "/dev/mmcblk0p1" },
  ]);
});

test("mountOf finds the nearest mount above, and of two at one point the later", () => {
  const mounts = ["/", "/data", "/data/card", "/data"].map((point, index) => ({
    point,
    type: `t${index}`,
    source: "",
  }));
  const typeAt = (path: string): string | undefined => mountOf(mounts, path)?.type;
  assert.deepEqual(["/x", "/data", "/data/x", "/data/card/x", "/data/cards", "/database"].map(typeAt), [
    "t0",
    "t3",
    "t3",
    "t2",
    "t3",
    "t0",
  ]);
  assert.equal(mountOf([], "/"), null);
});

test("deviceNumbers takes small and large numbers apart", () => {
  assert.deepEqual(deviceNumbers(0xfe00), { major: 254, minor: 0 });
  assert.deepEqual(deviceNumbers(0xb302), { major: 179, minor: 2 });
  assert.deepEqual(deviceNumbers(0x12300845), { major: 8, minor: 0x12345 });
  assert.deepEqual(deviceNumbers(27), { major: 0, minor: 27 });
});

test("lookUpBlockDevice: a partition has writes of its own; flushes, cache and capacity are of the whole device", async () => {
  const whole = "/sys/devices/mmc/block/mmcblk0";
  const lookup = await lookUpBlockDevice(
    "/home/pi",
    systemOf({
      device: 0xb302,
      links: { "/sys/dev/block/179:2": `${whole}/mmcblk0p2` },
      files: {
        "/proc/self/mountinfo": "27 1 179:2 / / rw - ext4 /dev/root rw\n",
        [`${whole}/mmcblk0p2/partition`]: "2\n",
        [`${whole}/mmcblk0p2/stat`]: "0 0 0 0 10 0 80 0 0 0 0 0 0 0 0 0 0",
        [`${whole}/stat`]: "0 0 0 0 99 0 990 0 0 0 0 0 0 0 0 7 0",
        [`${whole}/size`]: "62500000\n",
        [`${whole}/queue/write_cache`]: "write through\n",
      },
    }),
  );
  const { name, capacityBytes, hasWriteCache, readCounters } = deviceOf(lookup);
  assert.equal(lookup.fileSystemType, "ext4");
  assert.deepEqual([name, capacityBytes, hasWriteCache], ["mmcblk0p2", 32_000_000_000, false]);
  assert.deepEqual(await readCounters(), { writes: 10, bytesWritten: 40960, flushes: 7 });
});

test("lookUpBlockDevice: a mapped device leads to the one that it lies on, one on several stays", async () => {
  const system = (below: string[]): SystemReader =>
    systemOf({
      device: 0xfd00,
      links: {
        "/sys/dev/block/253:0": "/sys/devices/virtual/block/dm-0",
        "/sys/devices/virtual/block/dm-0/slaves/sda": "/sys/devices/ata/block/sda",
      },
      names: { "/sys/devices/virtual/block/dm-0/slaves": below },
      files: { "/sys/devices/ata/block/sda/stat": statText, "/sys/devices/virtual/block/dm-0/stat": statText },
    });
  const one = deviceOf(await lookUpBlockDevice("/data", system(["sda"])));
  assert.deepEqual([one.name, one.capacityBytes, one.hasWriteCache], ["sda", null, null]);
  assert.equal(deviceOf(await lookUpBlockDevice("/data", system(["sda", "sdb"]))).name, "dm-0");
});

test("lookUpBlockDevice: a subvolume of btrfs has a number of its own, its mount says the device", async () => {
  const lookup = await lookUpBlockDevice(
    "/data/x",
    systemOf({
      device: 45,
      links: { "/dev/mapper/card": "/dev/sdb1", "/sys/class/block/sdb1": "/sys/devices/usb/block/sdb/sdb1" },
      files: {
        "/proc/self/mountinfo": "27 1 0:40 / /data rw - btrfs /dev/mapper/card rw\n",
        "/sys/devices/usb/block/sdb/sdb1/stat": statText,
      },
    }),
  );
  assert.deepEqual([deviceOf(lookup).name, lookup.fileSystemType], ["sdb1", "btrfs"]);
});

test("lookUpBlockDevice says why there is none", async () => {
  const mounts = "27 1 0:40 / / rw - overlay overlay rw\n31 27 0:30 / /tmp rw - tmpfs tmpfs rw\n";
  const withMounts = systemOf({ device: 40, files: { "/proc/self/mountinfo": mounts } });
  const reasonFor = async (path: string, system: SystemReader): Promise<string> => {
    const { device, reason } = await lookUpBlockDevice(path, system);
    assert.equal(device, null);
    return reason;
  };
  assert.equal(await reasonFor("/home", withMounts), "overlay is on no block device");
  assert.equal(await reasonFor("/tmp/x", withMounts), "tmpfs is on no block device");
  const forbidden = "the kernel's figures of the device may not be read here";
  assert.equal(await reasonFor("/home", systemOf({ device: 0xb302, files: {} })), forbidden);
  const refusing = systemOf({ files: {} });
  refusing.deviceNumber = () => Promise.reject(new Error("Requires all access"));
  assert.equal(await reasonFor("/home", refusing), forbidden);
});

test("BlockDevice.readCounters() says null when the device is gone", async () => {
  const files: Record<string, string> = { "/sys/dev/block/8:0/stat": statText };
  const { readCounters } = deviceOf(await lookUpBlockDevice("/data", systemOf({ device: 0x800, files })));
  assert.notEqual(await readCounters(), null);
  delete files["/sys/dev/block/8:0/stat"];
  assert.equal(await readCounters(), null);
});
