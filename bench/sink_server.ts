/** The small S3 of the tests as a process of its own: says where it listens, and what it was asked when it is told to end. */
import process from "node:process";
import { S3Server } from "../tests/sink/s3_server.ts";

const server = await S3Server.start();
if (process.argv[2] === "hanging") server.fault = () => "hang";
console.log(server.endpoint);
process.stdin.on("end", () => void server.close().then(() => process.exit(0)));
process.stdin.resume();
