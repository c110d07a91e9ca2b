/* The pipeline machine, written by hand from the pages of specs/ for SPIN; no line of it was made from the law's code.
 *
 * One row, no crash. A pipeline file defines its tokens, nodes and barriers, includes this file, and has the process. Because a graph has no cycle and nothing here expands, every token that a row can ever have is
 * known beforehand: it is a number, and token 0 is the root. A pipeline file says what may happen to each token at each node.
 *
 * What is a state, as in the pages: of a token its place, phase, the kind of edge to a sink, its attempt, or its fate alone;
 * of a barrier whether it has had an event, its marks and its verdict; of a batch its status and trigger; of the run whether
 * the source has ended and whether the run is over. Everything else is scratch. One step is one
 * d_step, so SPIN counts the states and steps of the law.
 */

/* phases */
#define ABSENT 0
#define READY 1
#define VISITING 2
#define HELD 3
#define BUFFERED 4
#define ENDED 5

/* fates */
#define COMPLETED 1
#define ROUTED 2
#define DIVERTED 3
#define DISCARDED 4
#define FAILED 5
#define QUARANTINED 6
#define FORKED 7
#define COALESCED 8

/* the kind of edge to a sink */
#define PLAIN 0
#define BY_ROUTE 1
#define BY_ERROR 2

/* marks of a branch; verdicts of a barrier; events; decisions */
#define AWAITED 0
#define IS_HELD 1
#define IS_LOST 2
#define IS_MERGED 3
#define IS_FAILED 4
#define IS_LATE 5
#define OPEN 0
#define MERGED 1
#define BROKEN 2
#define ARRIVAL 1
#define LOSS 2
#define DEADLINE 3
#define WAIT 1
#define MERGE 2
#define FAIL 3

/* policies */
#define REQUIRE_ALL 1
#define QUORUM 2
#define BEST_EFFORT 3
#define FIRST 4

#define NONE 255
#define SLOTS 4
#define MARK(b, s) mark[(b) * SLOTS + (s)]

byte at[TOKENS], ph[TOKENS], via[TOKENS], tries[TOKENS], fate[TOKENS];
byte mark[BARRIERS * SLOTS], verdict[BARRIERS];
bool there[BARRIERS];
byte batch, trigger;
bool row, ended, over;

/* scratch */
hidden byte b_, s_, e_, d_, i_, h_, n_, held_, lost_;

inline finish_token(t, f) { ph[t] = ENDED; fate[t] = f; at[t] = 0; via[t] = 0; tries[t] = 0 }

inline go(t, node, how) { ph[t] = READY; at[t] = node; via[t] = how; tries[t] = 0 }

/* What a policy asks for: see policy.md. */
inline decide() {
  n_ = WIDTH(b_); held_ = 0; lost_ = 0; i_ = 0;
  do
  :: i_ < n_ -> held_ = held_ + (MARK(b_, i_) == IS_HELD); lost_ = lost_ + (MARK(b_, i_) == IS_LOST); i_++
  :: else -> break
  od;
  d_ = WAIT;
  if
  :: POLICY(b_) == REQUIRE_ALL && e_ == ARRIVAL -> d_ = (held_ == n_ -> MERGE : WAIT)
  :: POLICY(b_) == REQUIRE_ALL && e_ != ARRIVAL -> d_ = FAIL
  :: POLICY(b_) == QUORUM && e_ == ARRIVAL -> d_ = (held_ >= NEEDED(b_) -> MERGE : WAIT)
  :: POLICY(b_) == QUORUM && e_ == LOSS -> d_ = (n_ - lost_ < NEEDED(b_) -> FAIL : WAIT)
  :: POLICY(b_) == QUORUM && e_ == DEADLINE -> d_ = FAIL
  :: POLICY(b_) == BEST_EFFORT && e_ != DEADLINE ->
     d_ = (held_ + lost_ < n_ -> WAIT : (held_ > 0 -> MERGE : FAIL))
  :: POLICY(b_) == BEST_EFFORT && e_ == DEADLINE -> d_ = (held_ > 0 -> MERGE : FAIL)
  :: POLICY(b_) == FIRST && e_ == ARRIVAL -> d_ = MERGE
  :: POLICY(b_) == FIRST && e_ == LOSS -> d_ = (lost_ == n_ -> FAIL : WAIT)
  :: POLICY(b_) == FIRST && e_ == DEADLINE -> d_ = FAIL
  fi
}

/* Merge `select` needs the branch that it selects. */
#ifdef SELECTED
#define CAN_MERGE(b) (SELECTED(b) == NONE || MARK(b, SELECTED(b)) == IS_HELD)
#else
#define CAN_MERGE(b) true
#endif

/* What was held ends with the barrier; nothing else changes. */
inline resolve(how, becomes, f) {
  verdict[b_] = how; i_ = 0;
  do
  :: i_ < WIDTH(b_) ->
     if
     :: MARK(b_, i_) == IS_HELD -> MARK(b_, i_) = becomes; h_ = HOLDER(b_, i_); finish_token(h_, f)
     :: else
     fi;
     i_++
  :: else -> break
  od;
  skip
}

/* A barrier decides. One that fails loses the debt beneath it, and that may decide the next barrier, and so on. */
inline settle(conflict) {
  if :: conflict -> d_ = FAIL :: else -> decide() fi;
  do
  :: d_ == WAIT -> break
  :: d_ == MERGE && !CAN_MERGE(b_) -> d_ = FAIL
  :: d_ == MERGE && CAN_MERGE(b_) ->
     resolve(MERGED, IS_MERGED, COALESCED); h_ = RESULT(b_); s_ = AFTER(b_); go(h_, s_, PLAIN); break
  :: d_ == FAIL ->
     resolve(BROKEN, IS_FAILED, FAILED);
     s_ = BENEATH_SLOT(b_); b_ = BENEATH(b_);
     if
     :: b_ == NONE -> break
     :: else ->
        if
        :: verdict[b_] != OPEN -> break
        :: else -> there[b_] = 1; MARK(b_, s_) = IS_LOST; e_ = LOSS; decide()
        fi
     fi
  od;
  skip /* a loop must end inside its d_step */
}

/* A branch can no longer arrive. After the resolution that changes nothing. */
inline lose(b, s) {
  if
  :: verdict[b] != OPEN
  :: else -> there[b] = 1; MARK(b, s) = IS_LOST; b_ = b; e_ = LOSS; settle(false)
  fi
}

/* ------------------------------------------------------------------------------------- what may happen, as options of a do */

#define HERE(t, node, phase) at[t] == node && ph[t] == phase

#define BEGINS(t, node) :: d_step { HERE(t, node, READY) -> ph[t] = VISITING }

/* A verdict of a node on a token: `then` is what follows. */
#define ENDS(t, node, then) :: d_step { HERE(t, node, VISITING) -> then }

/* A retryable error while an attempt is left, and with none left. */
#define TRIES_AGAIN(t, node, attempts) \
  :: d_step { HERE(t, node, VISITING) && tries[t] + 1 < attempts -> tries[t]++ }
#define GIVES_UP(t, node, attempts, then) \
  :: d_step { HERE(t, node, VISITING) && tries[t] + 1 >= attempts -> then }

/* A sink writes; the fate follows from the edge. */
#define WRITES(t, node) \
  :: d_step { HERE(t, node, VISITING) -> \
       if :: via[t] == BY_ERROR -> finish_token(t, DIVERTED) \
          :: via[t] == BY_ROUTE -> finish_token(t, ROUTED) \
          :: else -> finish_token(t, COMPLETED) fi }

#define SINK(t, node) BEGINS(t, node) WRITES(t, node) ENDS(t, node, finish_token(t, FAILED))

#define ARRIVES(t, b, s) \
  :: d_step { HERE(t, NODE(b), READY) -> \
       if \
       :: verdict[b] != OPEN -> MARK(b, s) = IS_LATE; finish_token(t, FAILED) \
       :: else -> there[b] = 1; MARK(b, s) = IS_HELD; ph[t] = HELD; b_ = b; e_ = ARRIVAL; settle(false) \
       fi }

/* Of two branches with merge `union`: the second one arrives, and their contracts conflict. */
#define CONFLICTS(t, b, s, other) \
  :: d_step { HERE(t, NODE(b), READY) && verdict[b] == OPEN && MARK(b, other) == IS_HELD -> \
       MARK(b, s) = IS_HELD; ph[t] = HELD; b_ = b; settle(true) }

#define EXPIRES(b) \
  :: d_step { there[b] && verdict[b] == OPEN && !over -> b_ = b; e_ = DEADLINE; settle(false) }

/* A batch with one member, t: it is closed by one of its triggers, and the plugin answers. */
#define CLOSED_BY(what, condition) :: d_step { batch == 1 && condition -> batch = 2; trigger = what }
#define ANSWERED(then) :: d_step { batch == 2 -> batch = 3; trigger = 0; then }

/* What may happen to the row and to the run. A run that stops anywhere but at `end_over` is an invalid end state. */
#define RUN \
  :: d_step { !row && !ended && !over -> row = 1; ph[0] = READY; at[0] = START } \
  :: d_step { !row && !ended && !over -> row = 1; finish_token(0, QUARANTINED) } \
  :: d_step { !ended && !over -> ended = 1 } \
  :: d_step { ended && AT_REST -> over = 1 }; goto end_over
