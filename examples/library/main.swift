// A network that steers TCP, learns from what follows, and goes away again. Run it as root.
import Medulla

let network = try Medulla.compile(
  model: "models/aurora-medulla.onnx", calibration: "models/aurora-medulla-calibration.npy")
print(try network.run(Array(repeating: 1, count: network.inputs)))  // the kernel's bits
let instance = try network.attach(.congestion, name: "example")  // iperf3 -C example …
let learning = try instance.adapt(from: network, by: .simulator) { print($0) }
try await Task.sleep(for: .seconds(60))
learning.stop()
print(try instance.status().json)
try instance.detach()
