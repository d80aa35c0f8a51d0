// Compares two JSON documents again and again, and prints what one comparison takes:
// {"found": WHETHER THEY DIFFER, "seconds": [CPU TIME OF EACH ROUND]}.
//
// usage: node compare.mjs CONTROL CANDIDATE SECONDS

import { readFileSync } from "node:fs"
import { create } from "jsondiffpatch"

const [control, candidate] = process.argv.slice(2, 4).map((it) => readFileSync(it))
const limit = Number(process.argv[4])
// Elements are known by their id, as by Banyan.
const differ = create({ objectHash: (it) => it.id })

const used = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

const rounds = []
const begin = used()
let found
while (rounds.length < 3 || used() - begin < limit) {
  const before = used()
  found = differ.diff(JSON.parse(control), JSON.parse(candidate)) !== undefined
  rounds.push(used() - before)
}
console.log(JSON.stringify({ found, seconds: rounds }))
