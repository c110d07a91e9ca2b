// One join of bpmn-engine: a parallel gateway that forks, a user task for each branch, and a parallel gateway that joins.
// A line on the standard input asks, a line on the standard output answers: {"start": ["a", "b"]}, {"arrive": "a"}, {"lose": "a"}.
// The answer is what the engine shows of the join. After each, the state is saved, and a new engine goes on from it.
const { EventEmitter } = require('node:events');
const { createInterface } = require('node:readline');
const { createRequire } = require('node:module');
const { Engine } = createRequire(process.argv[2] + '/package.json')('bpmn-engine');

const source = (branches) => `<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="one" targetNamespace="http://bpmn.io/schema/bpmn">
 <process id="process" isExecutable="true">
  <startEvent id="begin" /><sequenceFlow id="to-fork" sourceRef="begin" targetRef="fork" /><parallelGateway id="fork" />
  ${branches.map((b) => `<sequenceFlow id="to-${b}" sourceRef="fork" targetRef="${b}" /><userTask id="${b}" />
  <sequenceFlow id="from-${b}" sourceRef="${b}" targetRef="join" />`).join('\n  ')}
  <parallelGateway id="join" /><sequenceFlow id="to-end" sourceRef="join" targetRef="end" /><endEvent id="end" />
 </process>
</definitions>`;

let engine, waiting, seen;

function listen() {
  const listener = new EventEmitter();
  waiting = {};
  listener.on('activity.wait', (api) => { waiting[api.id] = api; });
  listener.on('flow.take', (flow) => { if (flow.id.startsWith('from-')) seen.arrived.push(flow.id.slice(5)); });
  listener.on('flow.discard', (flow) => { if (flow.id.startsWith('from-')) seen.lost.push(flow.id.slice(5)); });
  listener.on('activity.end', (api) => { if (api.id === 'join') seen.ran = true; });
  listener.on('activity.discard', (api) => { if (api.id === 'join') seen.failed = true; });
  return listener;
}

async function answer(asked) {
  if (asked.start) {
    seen = { arrived: [], lost: [], ran: false, failed: false };
    engine = new Engine({ name: 'one join', source: source(asked.start) });
    await engine.execute({ listener: listen() });
  } else {
    const branch = asked.arrive || asked.lose;
    const task = waiting[branch];
    if (!task) return { unsupported: `the task of branch ${branch} no longer waits` };
    delete waiting[branch];
    if (asked.arrive) task.signal(); else task.discard();
  }
  await new Promise(setImmediate);
  if (engine.state === 'running') {
    const state = JSON.parse(JSON.stringify(await engine.getState()));
    await engine.stop();
    engine = new Engine({ name: 'one join' }).recover(state);
    await engine.resume({ listener: listen() });
  }
  return seen;
}

(async () => {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify(await answer(JSON.parse(line))) + '\n');
  }
})();
