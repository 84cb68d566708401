/** This machine's own address: Firefox pairs no loopback address with the one that its default route has. */

import { networkInterfaces } from "node:os";

const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);

/** IPv4; loopback where there is nothing else. */
export const OWN_ADDRESS = addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.2";
