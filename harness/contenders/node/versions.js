// What would be measured: Node.js, and the package that was set up for it.
"use strict";

const { version } = require("undici/package.json");
require("node:zlib").crc32("");
console.log(`Node.js ${process.versions.node} (undici ${version})`);
