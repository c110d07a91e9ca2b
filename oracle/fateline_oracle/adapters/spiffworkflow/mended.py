"""Issues of SpiffWorkflow that were mended, as trails: `mended.py CASE FILE`. See mended.toml."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3]))


from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.task import Task

try:
    from SpiffWorkflow.util.task import TaskState
except ImportError:  # before version 3
    from SpiffWorkflow.task import TaskState

from fateline_oracle.adapters.trail import one_token, write

LOOP = b"""
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" id="one">
 <process id="process" isExecutable="true">
  <startEvent id="begin"/><sequenceFlow id="to-set" sourceRef="begin" targetRef="set"/>
  <scriptTask id="set"><script>x = 0</script></scriptTask><sequenceFlow id="to-gate" sourceRef="set" targetRef="gate"/>
  <parallelGateway id="gate"/><sequenceFlow id="to-count" sourceRef="gate" targetRef="count"/>
  <scriptTask id="count"><script>x += 1</script></scriptTask><sequenceFlow id="to-choice" sourceRef="count" targetRef="choice"/>
  <exclusiveGateway id="choice" default="to-end"/><sequenceFlow id="to-end" sourceRef="choice" targetRef="end"/>
  <sequenceFlow id="again" sourceRef="choice" targetRef="task">
   <conditionExpression xsi:type="tFormalExpression">x &lt; 2</conditionExpression></sequenceFlow>
  <task id="task"/><sequenceFlow id="back" sourceRef="task" targetRef="gate"/>
  <endEvent id="end"/>
 </process>
</definitions>"""

parser = BpmnParser()
parser.add_bpmn_str(LOOP)
workflow = BpmnWorkflow(parser.get_spec("process"))
while workflow.get_tasks(state=TaskState.READY):
    workflow.do_engine_steps()
    for task in workflow.get_tasks(state=TaskState.READY):
        task.run()
first: dict[str, Task] = {}
for task in workflow.get_tasks():
    first.setdefault(task.task_spec.name, task)
visits = [
    (name, place, place if first[name].state == TaskState.COMPLETED else None)
    for place, name in enumerate(("set", "gate"))
]
write(Path(sys.argv[2]), one_token(visits, ["set", "gate"], workflow.is_completed()))
