// A process in a loop, with a user task: executed once undisturbed, and once more in a new engine that goes on from the state that
// was saved while the user task waited. Prints whether each came to its end. See mended.toml.
const { createRequire } = require('node:module');
const { Engine } = createRequire(process.argv[2] + '/package.json')('bpmn-engine');

const when = (expression) => `<conditionExpression xsi:type="tFormalExpression" language="javascript">${expression}</conditionExpression>`;
const source = `<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" id="one" targetNamespace="http://bpmn.io/schema/bpmn">
 <process id="process" isExecutable="true">
  <startEvent id="begin" /><endEvent id="end" />
  <serviceTask id="count" implementation="\${environment.services.count}" /><userTask id="task" />
  <exclusiveGateway id="more" /><exclusiveGateway id="again" />
  <sequenceFlow id="to-count" sourceRef="begin" targetRef="count" />
  <sequenceFlow id="to-more" sourceRef="count" targetRef="more" />
  <sequenceFlow id="to-again" sourceRef="task" targetRef="again" />
  <sequenceFlow id="to-task" sourceRef="more" targetRef="task">${when('this.environment.variables.left &gt;= 0')}</sequenceFlow>
  <sequenceFlow id="to-end" sourceRef="more" targetRef="end">${when('this.environment.variables.left &lt; 0')}</sequenceFlow>
  <sequenceFlow id="never" sourceRef="again" targetRef="end">${when('false')}</sequenceFlow>
  <sequenceFlow id="back" sourceRef="again" targetRef="count">${when('true')}</sequenceFlow>
 </process>
</definitions>`;

async function count(scope, done) {
  await new Promise(setImmediate);
  scope.environment.variables.left -= 1;
  return done(null);
}

let engine, state;

// The state is taken in the event itself, before what follows from it.
function saves(activity) {
  if (activity.id !== 'task') return;
  activity.on('wait', async () => {
    const taken = engine.getState();
    state = state || JSON.parse(JSON.stringify(await taken));
    engine.emit('saved');
  });
}

async function ends(execution) {
  let ended = false;
  engine.once('end', () => { ended = true; });
  execution.getPostponed().find((one) => one.id === 'task').signal();
  for (let turn = 0; turn < 200 && !ended; turn += 1) await new Promise((later) => { setTimeout(later, 5); });
  return ended;
}

(async () => {
  engine = new Engine({ name: 'one', source, services: { count }, variables: { left: 1 }, extensions: { saves } });
  const saved = new Promise((later) => { engine.once('saved', later); });
  const execution = await engine.execute();
  await saved;
  const undisturbed = await ends(execution);
  engine = new Engine({ name: 'one', services: { count } }).recover(state);
  const resumed = await ends(await engine.resume());
  process.stdout.write(JSON.stringify([undisturbed, resumed]) + '\n', () => process.exit());
})();
