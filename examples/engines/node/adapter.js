// Puts the engine behind the protocol of specs/protocol.md: one JSON object a line in, one out. It translates, and decides
// nothing. `--bug late-without-a-fate` switches a seeded bug on, to see that the judge finds it.
'use strict';

const readline = require('node:readline');
const { Run, Refusal } = require('./engine.js');

const bug = process.argv.includes('--bug') ? process.argv[process.argv.indexOf('--bug') + 1] : null;
let run = null;
let runs = 0;

const HELLO = {
  name: 'small-node-engine',
  version: '1',
  law_version: '2',
  ports: ['pipeline'],
  does: [
    'require_all', 'quorum', 'best_effort', 'first', 'union', 'nested', 'select', 'collisions', 'nesting', 'partial_joins',
    'retries', 'deadlines', 'invalid_rows',
  ],
  shows: ['visits', 'hops', 'barriers', 'losses', 'reasons'],
  drive: 'lockstep',
  clock: 'injected',
};

const reply = (stimulus) => {
  try {
    return { records: run.step(stimulus, stimulus.hold) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { refused: error.message };
  }
};

const ANSWERS = {
  hello: () => HELLO,
  start: ({ pipeline }) => {
    runs += 1;
    run = new Run(pipeline, `run-${runs}`, bug);
    return {};
  },
  do: ({ stimuli }) => ({ replies: stimuli.map(reply) }),
  trail: () => ({ records: run.trail }),
};

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const asked = JSON.parse(line);
  if (asked.ask === 'bye') process.exit(0);
  let answer;
  try {
    answer = ANSWERS[asked.ask](asked);
  } catch (error) {
    console.error(error.stack);
    answer = { error: { message: String(error.message), definite: false } };
  }
  process.stdout.write(`${JSON.stringify({ id: asked.id, ...answer })}\n`);
});
