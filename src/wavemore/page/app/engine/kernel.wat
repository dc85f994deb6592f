;; The page's products, sums, norms and activations, four numbers at once. `make kernel` assembles kernel.wasm from this.
;;
;; Addresses are in bytes. Rows of numbers (float32) have a width that is a multiple of 8. A list of rows is a list of
;; their addresses (int32). Shapes: n rows, C channels that come in, W numbers that go out, H channels of a node.

(module
  (memory (import "page" "memory") 1)

  ;; out (n, W)  =  x (n, C) @ weight (C, W) + bias (W,)
  ;;
  ;; Four rows and eight columns at once: sixteen sums wait in registers while the channels go by. So `rows` lists the
  ;; rows of x with three more, and `out` has room for three more; C is a multiple of 4. The weight lies in panels of eight
  ;; columns: of a panel those of the first channel, then those of the second one.
  (func (export "product") (param $rows i32) (param $n i32) (param $weight i32) (param $bias i32) (param $C i32)
    (param $W i32) (param $out i32)
    (local $x0 i32) (local $x1 i32) (local $x2 i32) (local $x3 i32) (local $list i32) (local $last i32) (local $p i32)
    (local $end i32) (local $to i32) (local $row i32) (local $columns i32) (local $lower v128) (local $upper v128)
    (local $x v128) (local $a0 v128) (local $b0 v128) (local $a1 v128) (local $b1 v128) (local $a2 v128)
    (local $b2 v128) (local $a3 v128) (local $b3 v128)
    (local.set $row (i32.shl (local.get $W) (i32.const 2)))
    (local.set $last (i32.add (local.get $rows) (i32.shl (local.get $n) (i32.const 2))))
    (local.set $columns (local.get $W))
    (loop $panel
      (local.set $end (i32.add (local.get $weight) (i32.shl (local.get $C) (i32.const 5))))
      (local.set $list (local.get $rows))
      (local.set $to (local.get $out))
      (loop $four
        (local.set $x0 (i32.load (local.get $list)))
        (local.set $x1 (i32.load offset=4 (local.get $list)))
        (local.set $x2 (i32.load offset=8 (local.get $list)))
        (local.set $x3 (i32.load offset=12 (local.get $list)))
        (local.set $a0 (v128.load (local.get $bias)))
        (local.set $b0 (v128.load offset=16 (local.get $bias)))
        (local.set $a1 (local.get $a0)) (local.set $b1 (local.get $b0))
        (local.set $a2 (local.get $a0)) (local.set $b2 (local.get $b0))
        (local.set $a3 (local.get $a0)) (local.set $b3 (local.get $b0))
        (local.set $p (local.get $weight))
        (loop $channel
          (local.set $lower (v128.load (local.get $p)))
          (local.set $upper (v128.load offset=16 (local.get $p)))
          (local.set $x (v128.load32_splat (local.get $x0)))
          (local.set $a0 (f32x4.add (local.get $a0) (f32x4.mul (local.get $x) (local.get $lower))))
          (local.set $b0 (f32x4.add (local.get $b0) (f32x4.mul (local.get $x) (local.get $upper))))
          (local.set $x (v128.load32_splat (local.get $x1)))
          (local.set $a1 (f32x4.add (local.get $a1) (f32x4.mul (local.get $x) (local.get $lower))))
          (local.set $b1 (f32x4.add (local.get $b1) (f32x4.mul (local.get $x) (local.get $upper))))
          (local.set $x (v128.load32_splat (local.get $x2)))
          (local.set $a2 (f32x4.add (local.get $a2) (f32x4.mul (local.get $x) (local.get $lower))))
          (local.set $b2 (f32x4.add (local.get $b2) (f32x4.mul (local.get $x) (local.get $upper))))
          (local.set $x (v128.load32_splat (local.get $x3)))
          (local.set $a3 (f32x4.add (local.get $a3) (f32x4.mul (local.get $x) (local.get $lower))))
          (local.set $b3 (f32x4.add (local.get $b3) (f32x4.mul (local.get $x) (local.get $upper))))
          (local.set $lower (v128.load offset=32 (local.get $p)))
          (local.set $upper (v128.load offset=48 (local.get $p)))
          (local.set $x (v128.load32_splat offset=4 (local.get $x0)))
          (local.set $a0 (f32x4.add (local.get $a0) (f32x4.mul (local.get $x) (local.get $lower))))
          (local.set $b0 (f32x4.add (local.get $b0) (f32x4.mul (local.get $x) (local.get $upper))))
          (local.set $x (v128.load32_splat offset=4 (local.get $x1)))
          (local.set $a1 (f32x4.add (local.get $a1) (f32x4.mul (local.get $x) (local.get $lower))))
          (local.set $b1 (f32x4.add (local.get $b1) (f32x4.mul (local.get $x) (local.get $upper))))
          (local.set $x (v128.load32_splat offset=4 (local.get $x2)))
          (local.set $a2 (f32x4.add (local.get $a2) (f32x4.mul (local.get $x) (local.get $lower))))
          (local.set $b2 (f32x4.add (local.get $b2) (f32x4.mul (local.get $x) (local.get $upper))))
          (local.set $x (v128.load32_splat offset=4 (local.get $x3)))
          (local.set $a3 (f32x4.add (local.get $a3) (f32x4.mul (local.get $x) (local.get $lower))))
          (local.set $b3 (f32x4.add (local.get $b3) (f32x4.mul (local.get $x) (local.get $upper))))
          (local.set $x0 (i32.add (local.get $x0) (i32.const 8)))
          (local.set $x1 (i32.add (local.get $x1) (i32.const 8)))
          (local.set $x2 (i32.add (local.get $x2) (i32.const 8)))
          (local.set $x3 (i32.add (local.get $x3) (i32.const 8)))
          (local.set $p (i32.add (local.get $p) (i32.const 64)))
          (br_if $channel (i32.lt_u (local.get $p) (local.get $end))))
        (v128.store (local.get $to) (local.get $a0))
        (v128.store offset=16 (local.get $to) (local.get $b0))
        (local.set $to (i32.add (local.get $to) (local.get $row)))
        (v128.store (local.get $to) (local.get $a1))
        (v128.store offset=16 (local.get $to) (local.get $b1))
        (local.set $to (i32.add (local.get $to) (local.get $row)))
        (v128.store (local.get $to) (local.get $a2))
        (v128.store offset=16 (local.get $to) (local.get $b2))
        (local.set $to (i32.add (local.get $to) (local.get $row)))
        (v128.store (local.get $to) (local.get $a3))
        (v128.store offset=16 (local.get $to) (local.get $b3))
        (local.set $to (i32.add (local.get $to) (local.get $row)))
        (local.set $list (i32.add (local.get $list) (i32.const 16)))
        (br_if $four (i32.lt_u (local.get $list) (local.get $last))))
      (local.set $weight (local.get $end))
      (local.set $bias (i32.add (local.get $bias) (i32.const 32)))
      (local.set $out (i32.add (local.get $out) (i32.const 32)))
      (br_if $panel (local.tee $columns (i32.sub (local.get $columns) (i32.const 8))))))

  ;; Each row of out (n, W) is the sum of k rows, whose addresses follow one another in `rows`.
  (func (export "combine") (param $rows i32) (param $k i32) (param $n i32) (param $W i32) (param $out i32)
    (local $w i32) (local $j i32) (local $bytes i32) (local $sum v128)
    (local.set $bytes (i32.shl (local.get $W) (i32.const 2)))
    (local.set $k (i32.shl (local.get $k) (i32.const 2)))
    (loop $row
      (local.set $w (i32.const 0))
      (loop $four
        (local.set $sum (v128.load (i32.add (local.get $w) (i32.load (local.get $rows)))))
        (local.set $j (i32.const 4))
        (block $summed
          (loop $child
            (br_if $summed (i32.ge_u (local.get $j) (local.get $k)))
            (local.set $sum (f32x4.add (local.get $sum)
              (v128.load (i32.add (local.get $w) (i32.load (i32.add (local.get $rows) (local.get $j)))))))
            (local.set $j (i32.add (local.get $j) (i32.const 4)))
            (br $child)))
        (v128.store (i32.add (local.get $out) (local.get $w)) (local.get $sum))
        (br_if $four (i32.lt_u (local.tee $w (i32.add (local.get $w) (i32.const 16))) (local.get $bytes))))
      (local.set $rows (i32.add (local.get $rows) (local.get $k)))
      (local.set $out (i32.add (local.get $out) (local.get $bytes)))
      (br_if $row (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))

  ;; Each row of x (n, W), which has so many channels and else zeros, is divided by the root of its mean square, and then
  ;; multiplied by gamma (W,), and beta (W,) is added.
  (func (export "norm") (param $x i32) (param $n i32) (param $W i32) (param $gamma i32) (param $beta i32)
    (param $channels f32)
    (local $w i32) (local $bytes i32) (local $sum v128) (local $v v128)
    (local.set $bytes (i32.shl (local.get $W) (i32.const 2)))
    (loop $row
      (local.set $sum (v128.const i32x4 0 0 0 0))
      (local.set $w (i32.const 0))
      (loop $four
        (local.set $v (v128.load (i32.add (local.get $x) (local.get $w))))
        (local.set $sum (f32x4.add (local.get $sum) (f32x4.mul (local.get $v) (local.get $v))))
        (br_if $four (i32.lt_u (local.tee $w (i32.add (local.get $w) (i32.const 16))) (local.get $bytes))))
      (local.set $sum (f32x4.splat (f32.div (f32.const 1) (f32.sqrt (f32.add (f32.const 1e-5) (f32.div
        (f32.add
          (f32.add (f32x4.extract_lane 0 (local.get $sum)) (f32x4.extract_lane 1 (local.get $sum)))
          (f32.add (f32x4.extract_lane 2 (local.get $sum)) (f32x4.extract_lane 3 (local.get $sum))))
        (local.get $channels)))))))
      (local.set $w (i32.const 0))
      (loop $four
        (v128.store (i32.add (local.get $x) (local.get $w))
          (f32x4.add (v128.load (i32.add (local.get $beta) (local.get $w)))
            (f32x4.mul (v128.load (i32.add (local.get $gamma) (local.get $w)))
              (f32x4.mul (local.get $sum) (v128.load (i32.add (local.get $x) (local.get $w)))))))
        (br_if $four (i32.lt_u (local.tee $w (i32.add (local.get $w) (i32.const 16))) (local.get $bytes))))
      (local.set $x (i32.add (local.get $x) (local.get $bytes)))
      (br_if $row (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))

  ;; out (n, H) from x (n, H), of kind 1 from x (n, 2 H): 0 tanh, 1 gated, 2 quick_gelu, 3 gelu. What comes in has been
  ;; multiplied by -2 before a tanh, and by -1 before a gate's sigmoid.
  (func (export "activate") (param $kind i32) (param $x i32) (param $n i32) (param $H i32) (param $out i32)
    (local $h i32) (local $v v128) (local $s v128) (local $bytes i32)
    (local.set $bytes (i32.shl (local.get $H) (i32.const 2)))
    (loop $row
      (local.set $h (local.get $bytes))
      (loop $four
        (local.set $v (v128.load (local.get $x)))
        (if (i32.lt_u (local.get $kind) (i32.const 2))
          (then
            (local.set $v (f32x4.sub
              (f32x4.div (v128.const f32x4 2 2 2 2) (call $one_more (local.get $v)))
              (v128.const f32x4 1 1 1 1)))
            (if (local.get $kind)
              (then (local.set $v (f32x4.div (local.get $v)
                (call $one_more (v128.load (i32.add (local.get $x) (local.get $bytes)))))))))
          (else
            (local.set $s (v128.const f32x4 1.702 1.702 1.702 1.702))
            (if (i32.eq (local.get $kind) (i32.const 3))
              (then (local.set $s (call $slope (f32x4.mul (local.get $v) (local.get $v))))))
            (local.set $v (f32x4.div (local.get $v)
              (call $one_more (f32x4.neg (f32x4.mul (local.get $s) (local.get $v))))))))
        (v128.store (local.get $out) (local.get $v))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (local.set $out (i32.add (local.get $out) (i32.const 16)))
        (br_if $four (local.tee $h (i32.sub (local.get $h) (i32.const 16)))))
      (if (i32.eq (local.get $kind) (i32.const 1))
        (then (local.set $x (i32.add (local.get $x) (local.get $bytes)))))
      (br_if $row (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))

  ;; 1 + exp(x), relative error below 1e-7. x is n ln 2 + r with a whole n and |r| up to ln 2 / 2; exp(r) is a polynomial,
  ;; fitted to the least largest error. To add 1.5 * 2^23 rounds to whole numbers, and leaves n in the lowest bits.
  (func $one_more (param $x v128) (result v128)
    (local $n v128) (local $r v128)
    (local.set $x (f32x4.min (v128.const f32x4 88 88 88 88)
      (f32x4.max (v128.const f32x4 -87 -87 -87 -87) (local.get $x))))
    (local.set $n (f32x4.add (v128.const f32x4 12582912 12582912 12582912 12582912)
      (f32x4.mul (local.get $x) (v128.const f32x4 1.4426950408889634 1.4426950408889634 1.4426950408889634
        1.4426950408889634))))
    (local.set $r (f32x4.sub (local.get $n) (v128.const f32x4 12582912 12582912 12582912 12582912)))
    (local.set $r (f32x4.add
      (f32x4.sub (local.get $x) (f32x4.mul (local.get $r) (v128.const f32x4 0.693359375 0.693359375 0.693359375
        0.693359375)))
      (f32x4.mul (local.get $r) (v128.const f32x4 2.1219444e-4 2.1219444e-4 2.1219444e-4 2.1219444e-4))))
    (f32x4.add (v128.const f32x4 1 1 1 1)
      (f32x4.mul
        (i32x4.add (i32x4.shl (local.get $n) (i32.const 23)) (v128.const f32x4 1 1 1 1)) ;; 2^n
        (f32x4.add (v128.const f32x4 1 1 1 1)
          (f32x4.add (local.get $r)
            (f32x4.mul (f32x4.mul (local.get $r) (local.get $r))
              (f32x4.add (v128.const f32x4 0.49999994 0.49999994 0.49999994 0.49999994)
                (f32x4.mul (local.get $r)
                  (f32x4.add (v128.const f32x4 0.16666521 0.16666521 0.16666521 0.16666521)
                    (f32x4.mul (local.get $r)
                      (f32x4.add (v128.const f32x4 0.04166839 0.04166839 0.04166839 0.04166839)
                        (f32x4.mul (local.get $r)
                          (f32x4.add (v128.const f32x4 0.00836871 0.00836871 0.00836871 0.00836871)
                            (f32x4.mul (local.get $r)
                              (v128.const f32x4 0.0013814613 0.0013814613 0.0013814613 0.0013814613))
  )))))))))))))

  ;; Of a square what its root is multiplied by before the sigmoid, which is then the normal distribution function: twice
  ;; the polynomial of `predict/activation.py`.
  (func $slope (param $q v128) (result v128)
    (f32x4.add (v128.const f32x4 1.5957685367733239 1.5957685367733239 1.5957685367733239 1.5957685367733239)
      (f32x4.mul (local.get $q)
        (f32x4.add (v128.const f32x4 0.07266829837421977 0.07266829837421977 0.07266829837421977 0.07266829837421977)
          (f32x4.mul (local.get $q)
            (f32x4.add (v128.const f32x4 -6.605350804718472e-5 -6.605350804718472e-5 -6.605350804718472e-5
                -6.605350804718472e-5)
              (f32x4.mul (local.get $q)
                (f32x4.add (v128.const f32x4 -1.1054674292171859e-4 -1.1054674292171859e-4 -1.1054674292171859e-4
                    -1.1054674292171859e-4)
                  (f32x4.mul (local.get $q)
                    (f32x4.add (v128.const f32x4 7.948137161976316e-6 7.948137161976316e-6 7.948137161976316e-6
                        7.948137161976316e-6)
                      (f32x4.mul (local.get $q)
                        (f32x4.add (v128.const f32x4 -2.6756612676675854e-7 -2.6756612676675854e-7 -2.6756612676675854e-7
                            -2.6756612676675854e-7)
                          (f32x4.mul (local.get $q)
                            (v128.const f32x4 3.6278484606243038e-9 3.6278484606243038e-9 3.6278484606243038e-9
                              3.6278484606243038e-9))))))))))))))
)
