// A small engine: reads rows, takes tokens through a graph, forks and joins them, and records everything.
//
// It was written from the pages in specs/, and knows nothing of who drives it. One call is one step: it returns the records
// that the step wrote, or throws a Refusal and has written nothing. Not here: any protocol (adapter.js).
'use strict';

class Refusal extends Error {}
const refuse = (rule) => { throw new Refusal(rule); };

const VERDICTS = {
  transform: ['pass', 'drop', 'expand', 'error', 'error_retryable'],
  gate: ['route', 'error'],
  sink: ['written', 'refused', 'refused_retryable'],
};
const LATE = { merged: 'late_arrival_after_merge', failed: 'late_arrival_after_failure' };
const STIMULI = ['read', 'begin', 'finish', 'arrive', 'deadline', 'end_of_source', 'run_over'];
const CANNOT_MERGE = ['contract_conflict', 'union_collision'];

// When a coalesce is decided: n branches, so many arrived, so many lost. null waits, 'merge' merges, any other word fails.
const POLICY = {
  require_all: {
    arrival: (b) => (b.arrived === b.n ? 'merge' : null),
    loss: () => 'branch_lost',
    deadline: () => 'incomplete_branches',
  },
  quorum: {
    arrival: (b) => (b.arrived >= b.quorum ? 'merge' : null),
    loss: (b) => (b.n - b.lost < b.quorum ? 'quorum_impossible' : null),
    deadline: () => 'quorum_not_met',
  },
  best_effort: {
    arrival: (b) => (b.arrived + b.lost < b.n ? null : 'merge'),
    loss: (b) => (b.arrived + b.lost < b.n ? null : b.arrived > 0 ? 'merge' : 'all_branches_lost'),
    deadline: (b) => (b.arrived > 0 ? 'merge' : 'no_arrivals'),
  },
  first: {
    arrival: () => 'merge',
    loss: (b) => (b.lost === b.n ? 'all_branches_lost' : null),
    deadline: () => 'no_arrivals',
  },
};

class Graph {
  constructor(pipeline) {
    this.nodes = new Map(pipeline.nodes.map((node) => [node.name, node]));
    this.source = pipeline.nodes.find((node) => node.kind === 'source');
    this.coalesces = pipeline.nodes.filter((node) => node.kind === 'coalesce');
  }

  kind(name) { return this.nodes.get(name).kind; }

  edges(node) {
    const routes = Object.entries(node.routes || {}).filter(([, to]) => this.nodes.has(to));
    const out = [...routes, ...Object.entries(node.fork || {})];
    if (node.to) out.push(['continue', node.to]);
    if (this.nodes.has(node.on_error)) out.push(['on_error', node.on_error]);
    return out;
  }

  reaches(from, to) {
    return from === to || this.edges(this.nodes.get(from)).some(([, next]) => this.reaches(next, to));
  }

  // The coalesce that joins a branch of a gate: the one that names it and that the other branches it names lead to as well.
  joins(gate, branch) {
    const found = this.coalesces.filter((node) => node.branches.includes(branch)
      && node.branches.every((one) => gate.fork[one] && this.reaches(gate.fork[one], node.name)));
    return found.sort((a, b) => (this.reaches(a.name, b.name) ? -1 : 1))[0];
  }
}

class Run {
  constructor(pipeline, id, bug) {
    this.graph = new Graph(pipeline);
    this.id = id;
    this.bug = bug;
    this.rows = 0;
    this.ended = false;
    this.over = false;
    this.places = new Map(); // by row: its tokens and its barriers, since no step concerns two rows
    this.trail = [];
  }

  // One step. What it changed in its row is undone if it is refused; the run itself changes last.
  step(stimulus, hold) {
    const work = STIMULI.includes(stimulus.do) && this[stimulus.do];
    if (!work || this.over) refuse(this.over ? 'run_over' : 'unsupported');
    const row = /^r(\d+)/.exec(stimulus.token || hold?.token || `r${stimulus.row ?? ''}`)?.[1];
    const before = this.places.get(row);
    this.place = structuredClone(before) || { tokens: new Map(), barriers: new Map() };
    this.records = [];
    this.data = [...(stimulus.data || [])];
    work.call(this, stimulus, hold);
    if (this.data.length) refuse('no_such_data');
    if (row !== undefined) this.places.set(row, this.place);
    this.trail.push(...this.records);
    return this.records;
  }

  get tokens() { return this.place.tokens; }

  get barriers() { return this.place.barriers; }

  write(rec, columns) { this.records.push({ rec, run: this.id, ...columns }); }

  token(id) { return this.tokens.get(id) || refuse('unknown_token'); }

  // ------------------------------------------------------------------------------------------------ the source

  read({ row, verdict }) {
    if (this.ended) refuse('source_ended');
    if (row !== this.rows) refuse('row_already_read');
    if (verdict === 'no_contract') refuse('no_contract');
    this.write('rows', { row: String(row), source: this.graph.source.name, idx: row });
    const token = this.make(String(row), `r${row}`, {}, []);
    if (verdict === 'valid') this.hop(token, this.graph.source, 'continue');
    else if (this.graph.nodes.has(this.graph.source.on_error)) this.hop(token, this.graph.source, 'on_error');
    else this.end(token, 'quarantined', { error: 'invalid', reason: 'invalid_row' });
    this.rows += 1;
  }

  end_of_source() {
    if (this.ended) refuse('source_ended');
    this.ended = true;
    this.write('runs', { status: 'running', rows: this.rows });
  }

  run_over() {
    if (!this.ended) refuse('source_not_ended');
    for (const { tokens, barriers } of this.places.values()) {
      if ([...tokens.values()].some((token) => token.phase !== 'ended')) refuse('not_at_rest');
      if ([...barriers.values()].some((barrier) => !barrier.verdict)) refuse('not_at_rest');
    }
    this.over = true;
    this.write('runs', { status: 'completed', rows: this.rows });
  }

  // ------------------------------------------------------------------------------------------------ tokens

  make(row, id, columns, stack) {
    const token = { id, row, stack, phase: 'ready', node: null, via: 'plain', visit: null, tries: 0 };
    this.tokens.set(id, token);
    this.write('tokens', { row, token: id, ...columns });
    return token;
  }

  hop(token, src, label, visit) {
    const dst = src.fork?.[label] || (label === 'continue' ? src.to : label === 'on_error' ? src.on_error : src.routes[label]);
    const via = label === 'on_error' ? (src.kind === 'source' ? 'invalid' : 'error')
      : src.kind === 'gate' && label !== 'continue' && !src.fork?.[label] ? 'route' : 'plain';
    Object.assign(token, { node: dst, phase: 'ready', via, visit: null, tries: 0, attempt: 0 });
    this.write('hops', { token: token.id, ...(visit ? { from_visit: visit } : {}), src: src.name, label, dst });
    const owed = token.stack.at(-1);
    if (owed && !this.graph.reaches(dst, owed.coalesce)) {
      token.stack = [];
      this.lose(owed, token.id, label === 'on_error' ? 'diverted' : 'routed');
    }
  }

  end(token, outcome, columns) {
    token.phase = 'ended';
    this.write('outcomes', { token: token.id, outcome, ...columns });
    const owed = token.stack.at(-1);
    if (owed && ['discarded', 'quarantined', 'failed'].includes(outcome)) {
      token.stack = [];
      this.lose(owed, token.id, outcome);
    }
  }

  visit(token, status, verdict) {
    this.write('visits', {
      visit: token.visit, token: token.id, node: token.node, attempt: token.attempt, status, ...(verdict ? { verdict } : {}),
    });
  }

  open(token, attempt, status) {
    Object.assign(token, { attempt, visit: `${token.id}@${token.node}#${attempt}`, phase: status === 'held' ? 'held' : 'visiting' });
    this.visit(token, status);
  }

  // ------------------------------------------------------------------------------------------------ nodes

  begin({ token: id }) {
    const token = this.token(id);
    if (token.phase !== 'ready') refuse(token.phase === 'ended' ? 'has_fate' : 'already_visiting');
    if (!VERDICTS[this.graph.kind(token.node)]) refuse('not_its_next_node');
    this.open(token, 0, 'open');
  }

  finish({ token: id, verdict }) {
    const token = this.token(id);
    if (token.phase !== 'visiting') refuse(token.phase === 'ended' ? 'has_fate' : 'not_visiting');
    const node = this.graph.nodes.get(token.node);
    const [word, argument] = verdict.split(' ');
    if (!VERDICTS[node.kind].includes(word)) refuse('no_such_verdict');
    if (word === 'expand' && !/^[1-9]\d{0,5}$/.test(argument || '')) refuse('no_such_verdict');
    if (['route'].includes(word) !== (argument !== undefined) && word !== 'expand') refuse('no_such_verdict');
    const { visit } = token;
    if (word === 'pass') {
      this.visit(token, 'completed', verdict);
      this.hop(token, node, 'continue', visit);
    } else if (word === 'drop') {
      this.visit(token, 'completed', verdict);
      this.end(token, 'discarded', { reason: 'filtered' });
    } else if (word === 'written') {
      this.visit(token, 'completed', verdict);
      this.end(token, ...this.written(token));
    } else if (word === 'route' && node.routes[argument]) this.route(token, node, argument, visit);
    else this.failed(token, node, ['route', 'expand'].includes(word) ? 'error' : word, visit);
  }

  written(token) {
    const sink = token.node;
    if (token.via === 'route') return ['routed', { sink }];
    if (token.via === 'error') return ['diverted', { sink, error: 'as said', reason: 'node_failed' }];
    if (token.via === 'invalid') return ['quarantined', { sink, error: 'invalid', reason: 'invalid_row' }];
    return ['completed', { sink }];
  }

  route(token, node, label, visit) {
    const target = node.routes[label];
    this.visit(token, 'completed', `route ${label}`);
    if (target === 'fork') this.fork(token, node);
    else if (target === 'discard') this.end(token, 'discarded', { reason: 'gate_discard' });
    else this.hop(token, node, target === 'continue' ? 'continue' : label, visit);
  }

  failed(token, node, word, visit) {
    this.visit(token, 'failed', word);
    token.tries += 1;
    if (word.endsWith('_retryable') && token.tries < (node.attempts || 1)) return this.open(token, token.attempt + 1, 'open');
    if (!node.on_error) return this.end(token, 'failed', { error: 'as said', reason: 'node_failed' });
    if (node.on_error === 'discard') return this.end(token, 'quarantined', { error: 'as said', reason: 'node_failed' });
    return this.hop(token, node, 'on_error', visit);
  }

  fork(token, gate) {
    const branches = Object.keys(gate.fork);
    const joined = branches.map((branch) => this.graph.joins(gate, branch));
    const owed = token.stack.at(-1);
    const leadsOn = owed && joined.some((node) => node && this.graph.reaches(node.name, owed.coalesce));
    const beneath = leadsOn ? token.stack : [];
    token.phase = 'ended';
    token.stack = [];
    this.write('outcomes', { token: token.id, outcome: 'forked', group: token.id, promised: branches.join(',') });
    if (owed && !leadsOn) this.lose(owed, token.id, 'forked_away');
    branches.forEach((branch, ordinal) => {
      const owes = joined[ordinal] ? [...beneath, { fork: token.id, branch, coalesce: joined[ordinal].name, beneath }] : [];
      const child = this.make(token.row, `${token.id}/${branch}`, { branch, group_kind: 'fork', group: token.id }, owes);
      this.write('parents', { child: child.id, parent: token.id, ordinal });
      this.hop(child, gate, branch);
    });
  }

  // ------------------------------------------------------------------------------------------------ joining

  arrive({ token: id }) {
    const token = this.token(id);
    if (token.phase !== 'ready') refuse(token.phase === 'ended' ? 'has_fate' : 'already_visiting');
    if (this.graph.kind(token.node) !== 'coalesce') refuse('not_its_next_node');
    const owed = token.stack.at(-1);
    if (!owed || owed.coalesce !== token.node) refuse('no_frame');
    const barrier = this.barrier(owed, owed.beneath);
    if (barrier.verdict) {
      this.open(token, 0, 'open');
      this.records.pop();
      this.visit(token, 'failed', 'late');
      if (this.bug === 'late-without-a-fate') return;
      token.stack = []; // it owes nothing any more: its branch was accounted for when the barrier was resolved
      this.end(token, 'failed', { error: 'late', reason: LATE[barrier.verdict] });
      return;
    }
    this.open(token, 0, 'held');
    barrier.held[owed.branch] = id;
    this.decide(barrier, 'arrival');
  }

  deadline(stimulus, hold) {
    const barrier = (hold && this.barriers.get(`${hold.node}@${hold.token}`)) || refuse('unknown_barrier');
    if (barrier.verdict) refuse('already_resolved');
    if (!this.graph.nodes.get(barrier.node).timeout_seconds) refuse('no_deadline');
    this.decide(barrier, 'deadline');
  }

  barrier(owed, beneath) {
    const id = `${owed.coalesce}@${owed.fork}`;
    if (!this.barriers.has(id)) this.barriers.set(id, { id, node: owed.coalesce, fork: owed.fork, held: {}, lost: [], beneath });
    return this.barriers.get(id);
  }

  // A branch can no longer arrive.
  lose(owed, token, reason) {
    const barrier = this.barrier(owed, owed.beneath);
    if (barrier.verdict) return;
    barrier.lost.push(owed.branch);
    this.write('losses', { barrier: barrier.id, branch: owed.branch, token, reason });
    this.decide(barrier, 'loss');
  }

  decide(barrier, trigger) {
    const node = this.graph.nodes.get(barrier.node);
    const count = {
      n: node.branches.length, quorum: node.quorum_count, arrived: Object.keys(barrier.held).length, lost: barrier.lost.length,
    };
    const word = POLICY[node.policy || 'require_all'][trigger](count);
    if (word === null) return;
    const reason = word === 'merge' ? this.cannotMerge(node, barrier) : word;
    if (reason) this.fails(node, barrier, trigger, reason);
    else this.merges(node, barrier, trigger);
  }

  // What the merge kernel says of the data; what it cannot say of this merge is refused.
  cannotMerge(node, barrier) {
    const said = this.data.shift() || 'ok';
    const strategy = node.merge || 'union';
    if (strategy === 'select' && !barrier.held[node.select_branch]) {
      if (said !== 'ok') refuse('no_such_data');
      return 'select_branch_not_arrived';
    }
    if (said === 'ok') return null;
    const can = strategy === 'union' && (said === 'contract_conflict' || (said === 'union_collision' && node.collisions === 'fail'));
    if (!can || !CANNOT_MERGE.includes(said)) refuse('no_such_data');
    return said;
  }

  resolved(node, barrier, trigger, columns) {
    const listed = (has) => node.branches.filter(has).join(',');
    this.write('barriers', {
      barrier: barrier.id, node: node.name, fork_group: barrier.fork, trigger, ...columns,
      arrived: listed((branch) => barrier.held[branch]), lost: listed((branch) => barrier.lost.includes(branch)),
    });
  }

  merges(node, barrier, trigger) {
    const held = node.branches.filter((branch) => barrier.held[branch]).map((branch) => this.token(barrier.held[branch]));
    const id = `${barrier.fork}/${node.name}`;
    barrier.verdict = 'merged';
    const merged = this.make(held[0].row, id, { group_kind: 'join', group: id }, barrier.beneath);
    held.forEach((token, ordinal) => {
      this.visit(token, 'completed', 'merged');
      token.stack = [];
      this.end(token, 'coalesced', { group: id });
      this.write('parents', { child: id, parent: token.id, ordinal });
    });
    this.resolved(node, barrier, trigger, { verdict: 'merged', result: id });
    this.hop(merged, node, 'continue');
  }

  fails(node, barrier, trigger, reason) {
    barrier.verdict = 'failed';
    node.branches.filter((branch) => barrier.held[branch]).forEach((branch) => {
      const token = this.token(barrier.held[branch]);
      token.stack = [];
      this.visit(token, 'failed', 'barrier_failed');
      this.end(token, 'failed', { error: reason, reason });
    });
    this.resolved(node, barrier, trigger, { verdict: 'failed', reason });
    const owed = barrier.beneath.at(-1);
    if (owed) this.lose(owed, barrier.fork, 'barrier_failed');
  }
}

module.exports = { Run, Refusal };
