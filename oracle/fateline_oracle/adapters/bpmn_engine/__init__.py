"""bpmn-engine (Node.js), its gateways."""
