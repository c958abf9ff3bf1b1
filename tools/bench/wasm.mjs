// Runs Python scripts in fresh interpreters of MicroPython for WebAssembly, for wasm.py.
//
// Standard input, JSON: {module: the path of micropython.mjs, files: a directory that becomes the
// interpreter's /lib, heap_bytes, runs: a list of lists of scripts}. Each run has an interpreter of
// its own. Standard output, JSON: what each script printed, in lists like `runs`.
//
// Each script is run from outside: this port collects garbage only between two of them.

import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

function copy(fileSystem, from, to) {
    fileSystem.mkdirTree(to);
    for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
        const source = path.join(from, entry.name);
        const target = `${to}/${entry.name}`;
        if (entry.isDirectory()) {
            copy(fileSystem, source, target);
        } else {
            fileSystem.writeFile(target, fs.readFileSync(source));
        }
    }
}

const request = JSON.parse(fs.readFileSync(0, "utf8"));
const { loadMicroPython } = await import(pathToFileURL(request.module));
const results = [];
for (const scripts of request.runs) {
    let printed = [];
    const micropython = await loadMicroPython({
        heapsize: request.heap_bytes,
        linebuffer: true,
        stdout: (line) => printed.push(line.replace(/\r$/, "")),
    });
    copy(micropython.FS, request.files, "/lib");
    const outputs = [];
    for (const script of scripts) {
        printed = [];
        try {
            micropython.runPython(script);
        } catch (error) {
            console.error(`${script}\n${printed.join("\n")}\n${error.message}`);
            process.exit(1);
        }
        outputs.push(printed.join("\n"));
    }
    results.push(outputs);
}
console.log(JSON.stringify(results));
