// A parallel gateway that forks, two user tasks, and a parallel gateway that joins, in an engine that is stopped before it had time to do
// what follows from an event: its state is saved at once, and the next event is given to a new engine that goes on from it. Prints
// what is seen of the join after each event, in one more engine, which goes on from the state undisturbed. See mended.toml.
const { createRequire } = require('node:module');
const { Engine } = createRequire(process.argv[2] + '/package.json')('bpmn-engine');

const branches = ['a', 'b'];

const source = `<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="one" targetNamespace="http://bpmn.io/schema/bpmn">
 <process id="process" isExecutable="true">
  <startEvent id="begin" /><sequenceFlow id="to-fork" sourceRef="begin" targetRef="fork" /><parallelGateway id="fork" />
  ${branches.map((b) => `<sequenceFlow id="to-${b}" sourceRef="fork" targetRef="${b}" />`).join('')}
  <parallelGateway id="join" />
  ${branches.map((b) => `<sequenceFlow id="from-${b}" sourceRef="${b}" targetRef="join" />`).join('')}
  ${branches.map((b) => `<userTask id="${b}" />`).join('')}
  <sequenceFlow id="to-end" sourceRef="join" targetRef="end" /><endEvent id="end" />
 </process>
</definitions>`;

let state;

const saved = (execution) => JSON.parse(JSON.stringify(execution.getState()));
const recovered = () => new Engine({ name: 'one join' }).recover(JSON.parse(JSON.stringify(state))).resume();

async function shown() {
  let now = state, waits = false;
  if (state.state !== 'idle') {  // it has not ended
    const execution = await recovered();
    await new Promise(setImmediate);
    now = saved(execution);
    waits = execution.getPostponed().some((one) => one.id === 'join');
    execution.stop();
  }
  const { flows, children } = now.definitions[0].execution.processes[0].execution;
  const counters = (list, id) => list.find((one) => one.id === id).counters;
  return {
    arrived: branches.filter((b) => counters(flows, `from-${b}`).take > 0),
    ran: counters(children, 'join').taken > 0 && !waits,
  };
}

function stopped(execution) {
  execution.stop();
  state = saved(execution);
}

(async () => {
  stopped(await new Engine({ name: 'one join', source }).execute());
  const all = [];
  for (const branch of branches) {
    const execution = await recovered();
    execution.signal({ id: branch });
    stopped(execution);
    all.push(await shown());
  }
  process.stdout.write(JSON.stringify(all) + '\n', () => process.exit());
})();
