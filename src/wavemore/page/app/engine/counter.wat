;; The decoder of n-grams: `counted.js` in WebAssembly, which is fast from its first step on; `make kernel` assembles
;; counter.wasm of it. Both make the same steps, and a test says that they give the same.
;;
;; Addresses are in bytes. N-grams are numbered from 1; 0 is the one without characters. Shapes: G n-grams.

(module
  (memory (import "page" "memory") 1)
  (global $codes (mut i32) (i32.const 0)) ;; where the next byte of the code is
  (global $code (mut i32) (i32.const 0))
  (global $range (mut i32) (i32.const -1))
  (global $chances (mut i32) (i32.const 0)) ;; of each a pair: the chance that the answer is no, how fast it moves

  ;; Take in bytes of the code until the range has its upper byte again.
  (func $follow
    (block $done
      (loop $byte
        (br_if $done (i32.ge_u (global.get $range) (i32.const 0x1000000)))
        (global.set $range (i32.shl (global.get $range) (i32.const 8)))
        (global.set $code
          (i32.or (i32.shl (global.get $code) (i32.const 8)) (i32.load8_u (global.get $codes))))
        (global.set $codes (i32.add (global.get $codes) (i32.const 1)))
        (br $byte))))

  ;; The next answer, by the probability of this number.
  (func $answer (param $context i32) (result i32)
    (local $at i32) (local $chance i32) (local $speed i32) (local $bound i32) (local $yes i32)
    (local.set $at (i32.add (global.get $chances) (i32.shl (local.get $context) (i32.const 3))))
    (local.set $chance (i32.load (local.get $at)))
    (local.set $speed (i32.load offset=4 (local.get $at)))
    (local.set $bound (i32.mul (i32.shr_u (global.get $range) (i32.const 15)) (local.get $chance)))
    (local.set $yes (i32.ge_u (global.get $code) (local.get $bound)))
    (if (local.get $yes)
      (then
        (global.set $code (i32.sub (global.get $code) (local.get $bound)))
        (global.set $range (i32.sub (global.get $range) (local.get $bound)))
        (i32.store (local.get $at)
          (i32.sub (local.get $chance)
            (i32.shr_s (i32.sub (local.get $chance) (i32.const 32)) (local.get $speed)))))
      (else
        (global.set $range (local.get $bound))
        (i32.store (local.get $at)
          (i32.add (local.get $chance)
            (i32.shr_s (i32.sub (i32.const 32736) (local.get $chance)) (local.get $speed))))))
    (if (i32.lt_s (local.get $speed) (i32.const 6))
      (then (i32.store offset=4 (local.get $at) (i32.add (local.get $speed) (i32.const 1)))))
    (call $follow)
    (local.get $yes))

  ;; The next answer, of which nothing is known before.
  (func $plain (result i32)
    (local $yes i32)
    (global.set $range (i32.shr_u (global.get $range) (i32.const 1)))
    (local.set $yes (i32.ge_u (global.get $code) (global.get $range)))
    (if (local.get $yes) (then (global.set $code (i32.sub (global.get $code) (global.get $range)))))
    (call $follow)
    (local.get $yes))

  ;; How many bits the whole part of a number has: its exponent says so.
  (func $bits (param $number f64) (result i32)
    (local $bits i32)
    (local.set $bits
      (i32.sub
        (i32.wrap_i64
          (i64.and (i64.shr_u (i64.reinterpret_f64 (local.get $number)) (i64.const 52)) (i64.const 0x7ff)))
        (i32.const 1022)))
    (select (local.get $bits) (i32.const 0) (i32.gt_s (local.get $bits) (i32.const 0))))

  ;; In which of 24 parts of 0 to 1 the probability lies that none of `rest` falls to an id.
  (func $none (param $rest f64) (param $share f64) (param $whole f64) (result i32)
    (local $base f64) (local $times f64) (local $half f64) (local $chance f64)
    (if (f64.le (local.get $share) (f64.const 0)) (then (return (i32.const 24))))
    (if (i32.or (f64.gt (local.get $share) (local.get $whole)) (f64.gt (local.get $rest) (local.get $whole)))
      (then (return (i32.const 0))))
    (local.set $times (f64.min (local.get $share) (local.get $rest)))
    (local.set $base
      (f64.sub (f64.const 1)
        (f64.div (f64.max (local.get $share) (local.get $rest)) (local.get $whole))))
    (local.set $chance (f64.const 1))
    (loop $bit
      (local.set $half (f64.floor (f64.mul (local.get $times) (f64.const 0.5))))
      (if (f64.gt (local.get $times) (f64.add (local.get $half) (local.get $half)))
        (then (local.set $chance (f64.mul (local.get $chance) (local.get $base)))))
      (local.set $base (f64.mul (local.get $base) (local.get $base)))
      (local.set $times (local.get $half))
      (br_if $bit (f64.gt (local.get $times) (f64.const 0))))
    (i32.trunc_f64_s (f64.mul (local.get $chance) (f64.const 24))))

  ;; How many of `rest` fall to an id, to which `share` of `whole` are left.
  (func $count (param $rest f64) (param $share f64) (param $whole f64) (param $last i32) (result f64)
    (local $guess i32) (local $most i32) (local $bits i32) (local $bit i32) (local $count f64)
    (if (local.get $last) (then (return (local.get $rest))))
    (if (i32.eqz
          (call $answer
            (i32.add
              (i32.shl (call $none (local.get $rest) (local.get $share) (local.get $whole)) (i32.const 1))
              (f64.eq (local.get $rest) (f64.const 1)))))
      (then (return (f64.const 0))))
    (local.set $count (f64.const 1))
    (if (f64.eq (local.get $rest) (f64.const 1)) (then (return (local.get $count))))
    (local.set $guess
      (call $bits
        (f64.div (f64.mul (local.get $rest) (local.get $share)) (f64.max (local.get $whole) (f64.const 1)))))
    (if (i32.gt_s (local.get $guess) (i32.const 55)) (then (local.set $guess (i32.const 55))))
    (local.set $most (call $bits (local.get $rest)))
    (local.set $bits (i32.const 1))
    (block $known
      (loop $longer
        (br_if $known (i32.ge_s (local.get $bits) (local.get $most)))
        (br_if $known
          (i32.eqz
            (call $answer
              (i32.add
                (i32.add (i32.const 50) (i32.mul (local.get $guess) (i32.const 56)))
                (local.get $bits)))))
        (local.set $bits (i32.add (local.get $bits) (i32.const 1)))
        (br $longer)))
    (local.set $bit (i32.sub (local.get $bits) (i32.const 2)))
    (block $told
      (loop $lower
        (br_if $told (i32.lt_s (local.get $bit) (i32.const 0)))
        (local.set $count
          (f64.add
            (f64.add (local.get $count) (local.get $count))
            (f64.convert_i32_s
              (if (result i32) (i32.eq (local.get $bit) (i32.sub (local.get $bits) (i32.const 2)))
                (then (call $answer (i32.add (i32.const 3186) (local.get $bits))))
                (else (call $plain))))))
        (local.set $bit (i32.sub (local.get $bit) (i32.const 1)))
        (br $lower)))
    (local.get $count))

  ;; Everything that `counted.js` says of n-grams, from the codes; returns how many `ends` there are. parents, newest,
  ;; counts (G,); shorter, preceding, left, wholes (G + 1,); starts (G + 2,). counts, left and wholes are float64.
  (func (export "ngrams") (param $codes i32) (param $size i32) (param $total f64) (param $ids i32) (param $parents i32)
    (param $newest i32) (param $counts i32) (param $shorter i32) (param $preceding i32) (param $starts i32)
    (param $left i32) (param $wholes i32) (param $chances i32) (param $ends i32) (result i32)
    (local $number i32) (local $id i32) (local $rest f64) (local $share f64) (local $whole f64) (local $count f64)
    (local $context i32) (local $short i32) (local $until i32) (local $there i32) (local $end i32) (local $at i32)
    (global.set $codes (local.get $codes))
    (global.set $chances (local.get $chances))
    (global.set $range (i32.const 1)) ;; with which three bytes are taken in, and then one
    (call $follow)
    (global.set $range (i32.const 0x10000))
    (call $follow)
    (global.set $range (i32.const -1))
    (f64.store (local.get $wholes) (local.get $total))
    (local.set $rest (local.get $total))
    (block $counted
      (loop $next
        (br_if $counted (f64.le (local.get $rest) (f64.const 0)))
        (local.set $count
          (call $count (local.get $rest) (f64.const 1)
            (f64.convert_i32_s (i32.sub (local.get $ids) (local.get $id)))
            (i32.eq (i32.add (local.get $id) (i32.const 1)) (local.get $ids))))
        (if (f64.gt (local.get $count) (f64.const 0))
          (then
            (call $keep (local.get $counts) (local.get $left) (local.get $wholes) (local.get $number)
              (local.get $count))
            (i32.store (i32.add (local.get $newest) (i32.shl (local.get $number) (i32.const 2))) (local.get $id))
            (local.set $number (i32.add (local.get $number) (i32.const 1)))))
        (local.set $rest (f64.sub (local.get $rest) (local.get $count)))
        (local.set $id (i32.add (local.get $id) (i32.const 1)))
        (br $next)))
    (i32.store (local.get $ends) (i32.const 1))
    (local.set $end (i32.add (local.get $number) (i32.const 1)))
    (i32.store offset=4 (local.get $ends) (local.get $end))
    (local.set $at (i32.add (local.get $ends) (i32.const 8)))
    (local.set $context (i32.const 1))
    (block $done
      (loop $contexts
        (br_if $done (i32.ge_s (local.get $number) (local.get $size)))
        (if (i32.eq (local.get $context) (local.get $end))
          (then
            (local.set $end (i32.add (local.get $number) (i32.const 1)))
            (i32.store (local.get $at) (local.get $end))
            (local.set $at (i32.add (local.get $at) (i32.const 4)))))
        (i32.store (i32.add (local.get $starts) (i32.shl (local.get $context) (i32.const 2))) (local.get $number))
        (block $ended
          (if (i32.gt_s (local.get $context) (i32.const 1))
            (then
              (br_if $ended
                (i32.eqz
                  (i32.load
                    (i32.add (local.get $newest)
                      (i32.shl (i32.sub (local.get $context) (i32.const 1)) (i32.const 2))))))))
          (local.set $short
            (i32.load (i32.add (local.get $shorter) (i32.shl (local.get $context) (i32.const 2)))))
          (local.set $there
            (i32.add
              (i32.load (i32.add (local.get $starts) (i32.shl (local.get $short) (i32.const 2)))) (i32.const 1)))
          (local.set $until
            (i32.load offset=4 (i32.add (local.get $starts) (i32.shl (local.get $short) (i32.const 2)))))
          (local.set $rest
            (f64.load
              (i32.add (local.get $counts) (i32.shl (i32.sub (local.get $context) (i32.const 1)) (i32.const 3)))))
          (local.set $short (i32.add (local.get $wholes) (i32.shl (local.get $short) (i32.const 3))))
          (local.set $whole (f64.load (local.get $short)))
          (f64.store (local.get $short) (f64.sub (local.get $whole) (local.get $rest)))
          (block $all
            (loop $follower
              (br_if $all (f64.le (local.get $rest) (f64.const 0)))
              (local.set $share (f64.load (i32.add (local.get $left) (i32.shl (local.get $there) (i32.const 3)))))
              (local.set $count
                (call $count (local.get $rest) (local.get $share) (local.get $whole)
                  (i32.eq (local.get $there) (local.get $until))))
              (if (f64.gt (local.get $count) (f64.const 0))
                (then
                  (call $keep (local.get $counts) (local.get $left) (local.get $wholes) (local.get $number)
                    (local.get $count))
                  (i32.store (i32.add (local.get $parents) (i32.shl (local.get $number) (i32.const 2)))
                    (local.get $context))
                  (i32.store (i32.add (local.get $newest) (i32.shl (local.get $number) (i32.const 2)))
                    (i32.load
                      (i32.add (local.get $newest)
                        (i32.shl (i32.sub (local.get $there) (i32.const 1)) (i32.const 2)))))
                  (local.set $number (i32.add (local.get $number) (i32.const 1)))
                  (i32.store (i32.add (local.get $shorter) (i32.shl (local.get $number) (i32.const 2)))
                    (local.get $there))
                  (local.set $id (i32.add (local.get $preceding) (i32.shl (local.get $there) (i32.const 2))))
                  (i32.store (local.get $id) (i32.add (i32.load (local.get $id)) (i32.const 1)))
                  (f64.store (i32.add (local.get $left) (i32.shl (local.get $there) (i32.const 3)))
                    (f64.sub (local.get $share) (local.get $count)))))
              (local.set $whole (f64.sub (local.get $whole) (local.get $share)))
              (local.set $rest (f64.sub (local.get $rest) (local.get $count)))
              (local.set $there (i32.add (local.get $there) (i32.const 1)))
              (br $follower))))
        (local.set $context (i32.add (local.get $context) (i32.const 1)))
        (br $contexts)))
    (if (i32.le_s (local.get $end) (local.get $size))
      (then
        (i32.store (local.get $at) (i32.add (local.get $size) (i32.const 1)))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))))
    (i32.shr_u (i32.sub (local.get $at) (local.get $ends)) (i32.const 2)))

  ;; Write the count of the n-gram that comes after so many, and what is left of it and of those that it begins.
  (func $keep (param $counts i32) (param $left i32) (param $wholes i32) (param $number i32) (param $count f64)
    (local $at i32)
    (local.set $at (i32.shl (local.get $number) (i32.const 3)))
    (f64.store (i32.add (local.get $counts) (local.get $at)) (local.get $count))
    (f64.store offset=8 (i32.add (local.get $left) (local.get $at)) (local.get $count))
    (f64.store offset=8 (i32.add (local.get $wholes) (local.get $at)) (local.get $count))))
