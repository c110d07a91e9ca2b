/* A merged token forks again. ta has three attempts, the sink two, and errors of the sink go to `bad`. Merge `union`: contracts may
   conflict where two branches have arrived. */
#define TOKENS 7
#define tok_r 0
#define tok_a 1
#define tok_b 2
#define tok_m1 3
#define tok_c 4
#define tok_d 5
#define tok_m2 6
#define G1 1
#define TA 2
#define J1 3
#define G2 4
#define TC 5
#define J2 6
#define OUT 7
#define BAD 8
#define BARRIERS 2
#define START G1
#define J1_ 0
#define J2_ 1
#define WIDTH(x) 2
#define POLICY(x) ((x) == J1_ -> OUTER : INNER)
#define NEEDED(x) 2
#define NODE(x) ((x) == J1_ -> J1 : J2)
#define HOLDER(x, s) ((x) == J1_ -> ((s) == 0 -> tok_a : tok_b) : ((s) == 0 -> tok_c : tok_d))
#define RESULT(x) ((x) == J1_ -> tok_m1 : tok_m2)
#define AFTER(x) ((x) == J1_ -> G2 : OUT)
#define BENEATH(x) NONE
#define BENEATH_SLOT(x) 0
#define DONE(t) (ph[t] == ABSENT || ph[t] == ENDED)
#define RESOLVED(b) (!there[b] || verdict[b] != OPEN)
#define AT_REST DONE(tok_r) && DONE(tok_a) && DONE(tok_b) && DONE(tok_m1) && DONE(tok_c) && DONE(tok_d) && DONE(tok_m2) \
  && RESOLVED(J1_) && RESOLVED(J2_)

#include "machine.pml"

inline forks() { ph[tok_r] = ENDED; fate[tok_r] = FORKED; go(tok_a, TA, PLAIN); go(tok_b, J1, PLAIN) }
inline forks_again() { ph[tok_m1] = ENDED; fate[tok_m1] = FORKED; go(tok_c, TC, PLAIN); go(tok_d, J2, PLAIN) }
inline loses_it(t, f, which, s) { finish_token(t, f); lose(which, s) }

active proctype machine() {
  do
  RUN
  BEGINS(tok_r, G1)
  ENDS(tok_r, G1, forks())
  ENDS(tok_r, G1, finish_token(tok_r, FAILED))
  BEGINS(tok_a, TA)
  ENDS(tok_a, TA, go(tok_a, J1, PLAIN))
  ENDS(tok_a, TA, loses_it(tok_a, DISCARDED, J1_, 0))
  ENDS(tok_a, TA, loses_it(tok_a, QUARANTINED, J1_, 0))
  TRIES_AGAIN(tok_a, TA, 3)
  GIVES_UP(tok_a, TA, 3, loses_it(tok_a, QUARANTINED, J1_, 0))
  ARRIVES(tok_a, J1_, 0)
  CONFLICTS(tok_a, J1_, 0, 1)
  ARRIVES(tok_b, J1_, 1)
  CONFLICTS(tok_b, J1_, 1, 0)
  EXPIRES(J1_)
  BEGINS(tok_m1, G2)
  ENDS(tok_m1, G2, forks_again())
  ENDS(tok_m1, G2, finish_token(tok_m1, FAILED))
  BEGINS(tok_c, TC)
  ENDS(tok_c, TC, go(tok_c, J2, PLAIN))
  ENDS(tok_c, TC, loses_it(tok_c, DISCARDED, J2_, 0))
  ENDS(tok_c, TC, loses_it(tok_c, QUARANTINED, J2_, 0))
  ARRIVES(tok_c, J2_, 0)
  CONFLICTS(tok_c, J2_, 0, 1)
  ARRIVES(tok_d, J2_, 1)
  CONFLICTS(tok_d, J2_, 1, 0)
  EXPIRES(J2_)
  BEGINS(tok_m2, OUT)
  WRITES(tok_m2, OUT)
  ENDS(tok_m2, OUT, go(tok_m2, BAD, BY_ERROR))
  TRIES_AGAIN(tok_m2, OUT, 2)
  GIVES_UP(tok_m2, OUT, 2, go(tok_m2, BAD, BY_ERROR))
  SINK(tok_m2, BAD)
  od;
end_over:
  false
}
