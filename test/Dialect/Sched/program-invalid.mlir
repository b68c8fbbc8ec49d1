// RUN: spillway-opt %s --split-input-file --verify-diagnostics

train.step @s(input %x "x" : tensor<4xf32>) { train.return }

// expected-error @+1 {{expects at least one tier}}
sched.program @c1_no_tier of @s tiers [] links [] streams [] prologue {} body {}

// -----

train.step @s(input %x "x" : tensor<4xf32>) { train.return }

// expected-error @+1 {{expects distinct names of tiers, but got "device" twice}}
sched.program @c1_twice of @s tiers [#sched.tier<"device" capacity 8>, #sched.tier<"device" capacity 8>]
    links [] streams [] prologue {} body {}

// -----

train.step @s(input %x "x" : tensor<4xf32>) { train.return }

// expected-error @+1 {{link "h2d" names an unknown tier "host"}}
sched.program @c1_link of @s tiers [#sched.tier<"device" capacity 8>]
    links [#sched.link<"h2d" from "host" to "device" rate 1.0 latency 0>] streams [] prologue {} body {}

// -----

train.step @s(input %x "x" : tensor<4xf32>) { train.return }

// expected-error @+1 {{stream "h2d" names an unknown link "h2d"}}
sched.program @c1_stream of @s tiers [#sched.tier<"device" capacity 8>] links []
    streams [#sched.stream<"h2d" over "h2d">] prologue {} body {}

// -----

// expected-error @+1 {{schedules @t, which is not in the module}}
sched.program @symbol of @t tiers [#sched.tier<"device" capacity 8>] links [] streams [] prologue {} body {}

// -----

train.step @s(input %x "x" : tensor<4xf32>) { train.return }

// expected-error @+1 {{expects the arena of tier "device" within its capacity of 8 bytes, but got 9}}
sched.program @c2 of @s tiers [#sched.tier<"device" capacity 8 arena 9>] links [] streams [] prologue {} body {}

// -----

train.step @s(input %x "x" : tensor<4xf32>) { train.return }

sched.program @c3_tier of @s tiers [#sched.tier<"device" capacity 8 arena 8>] links [] streams []
prologue {
  // expected-error @+1 {{names an unknown tier "host"}}
  sched.bind "w" [0] bytes(4) at host[0]
} body {}

// -----

train.step @s(input %x "x" : tensor<4xf32>) { train.return }

sched.program @c3_range of @s tiers [#sched.tier<"device" capacity 8 arena 8>] links [] streams []
prologue {
  // expected-error @+1 {{expects addresses inside the arena of 8 bytes of tier "device", but got [4, 12)}}
  sched.bind "w" [0] bytes(8) at device[4]
} body {}

// -----

train.step @s(input %x "x" : tensor<4xf32>) { train.return }

sched.program @c3_bytes of @s tiers [#sched.tier<"device" capacity 8 arena 8>] links [] streams []
prologue {
  // expected-error @+1 {{expects a positive number of bytes, but got 0}}
  sched.buffer "w" state at device[4] bytes(0) from 0 to 0
} body {}

// -----

train.step @s(input %x "x" : tensor<4xf32>) { train.return }

sched.program @c3_value_offset of @s tiers [#sched.tier<"device" capacity 8 arena 8>] links [] streams []
prologue {
  // expected-error @+1 {{expects a non-negative offset into the tensor, but got -4}}
  sched.bind "w" [-4] bytes(4) at device[4]
} body {}

// -----

train.step @s(input %x "x" : tensor<4xf32>) { train.return }

sched.program @c4_unknown of @s tiers [#sched.tier<"device" capacity 8 arena 8>] links [] streams []
prologue {} body {
  // expected-error @+1 {{names an unknown stream "compute"}}
  sched.launch @fill 0 () -> (device[0]) on "compute"
}

// -----

train.step @s(input %x "x" : tensor<4xf32>) { train.return }

sched.program @c4_launch of @s
    tiers [#sched.tier<"device" capacity 8 arena 8>, #sched.tier<"host" capacity 8 arena 8>]
    links [#sched.link<"h2d" from "host" to "device" rate 1.0 latency 0>]
    streams [#sched.stream<"h2d" over "h2d">]
prologue {} body {
  // expected-error @+1 {{expects a stream without a link, but got "h2d" over "h2d"}}
  sched.launch @fill 0 () -> (device[0]) on "h2d"
}

// -----

train.step @s(input %x "x" : tensor<4xf32>) { train.return }

sched.program @c4_copy of @s
    tiers [#sched.tier<"device" capacity 8 arena 8>, #sched.tier<"host" capacity 8 arena 8>]
    links [] streams [#sched.stream<"compute">]
prologue {} body {
  // expected-error @+1 {{expects a stream with a link, but got "compute"}}
  sched.copy device[0] -> host[0] bytes(4) on "compute"
}

// -----

train.step @s(input %x "x" : tensor<4xf32>) { train.return }

sched.program @c4_direction of @s
    tiers [#sched.tier<"device" capacity 8 arena 8>, #sched.tier<"host" capacity 8 arena 8>]
    links [#sched.link<"h2d" from "host" to "device" rate 1.0 latency 0>]
    streams [#sched.stream<"h2d" over "h2d">]
prologue {} body {
  // expected-error @+1 {{expects a link from "device" to "host", but stream "h2d" has one from "host" to "device"}}
  sched.copy device[0] -> host[0] bytes(4) on "h2d"
}

// -----

train.step @s(input %x "x" : tensor<4xf32>) { train.return }

sched.program @c5_twice of @s tiers [#sched.tier<"device" capacity 8 arena 8>] links []
    streams [#sched.stream<"compute">]
prologue {} body {
  sched.launch @fill 0 () -> (device[0]) on "compute" signal 1
  // expected-error @+1 {{gives signal 1, which another instruction gives already}}
  sched.launch @fill 1 () -> (device[0]) on "compute" signal 1
}

// -----

train.step @s(input %x "x" : tensor<4xf32>) { train.return }

sched.program @c5_never of @s tiers [#sched.tier<"device" capacity 8 arena 8>] links []
    streams [#sched.stream<"compute">]
prologue {} body {
  // expected-error @+1 {{waits for signal 2, which no instruction gives}}
  sched.launch @fill 0 () -> (device[0]) on "compute" wait [2]
}

// -----

train.step @s(input %x "x" : tensor<4xf32>) { train.return }

sched.program @place_prologue of @s tiers [#sched.tier<"device" capacity 8 arena 8>] links []
    streams [#sched.stream<"compute">]
prologue {
  // expected-error @+1 {{expects to be in the body, but stands in the prologue}}
  sched.launch @fill 0 () -> (device[0]) on "compute"
} body {}

// -----

train.step @s(input %x "x" : tensor<4xf32>) { train.return }

sched.program @place_body of @s tiers [#sched.tier<"device" capacity 8 arena 8>] links []
    streams [#sched.stream<"compute">]
prologue {} body {
  // expected-error @+1 {{expects to be in the prologue, but stands in the body}}
  sched.bind "w" [0] bytes(4) at device[0]
}
