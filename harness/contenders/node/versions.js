// Prints the versions of Node.js and of the installed package.
"use strict";

const { version } = require("undici/package.json");
require("node:zlib").crc32("");
console.log(`Node.js ${process.versions.node} (undici ${version})`);
