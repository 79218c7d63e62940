// swift-tools-version: 6.1
// Fuzz targets on libFuzzer, one executable each; `make fuzz` runs them. Their own package, because
// everything they link must be built with --sanitize=fuzzer.
import PackageDescription

let package = Package(
  name: "medulla-fuzz",
  dependencies: [
    .package(name: "medulla", path: ".."),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
  ],
  targets: [
    .executableTarget(
      name: "FuzzAdapterFrames",
      dependencies: [
        .product(name: "MedullaAdaptation", package: "medulla"),
        .product(name: "MedullaLearning", package: "medulla"),
      ]),
    .executableTarget(
      name: "FuzzConfiguration",
      dependencies: [
        .product(name: "MedullaControl", package: "medulla"),
        .product(name: "MedullaAdaptation", package: "medulla"),
      ]),
    .executableTarget(
      name: "FuzzControl", dependencies: [.product(name: "MedullaControl", package: "medulla")]),
    .executableTarget(
      name: "FuzzONNX", dependencies: [.product(name: "MedullaModel", package: "medulla")]),
    .executableTarget(
      name: "FuzzSafetensors", dependencies: [.product(name: "MedullaModel", package: "medulla")]),
    .executableTarget(
      name: "FuzzSnapshot",
      dependencies: [
        .product(name: "MedullaSnapshot", package: "medulla"),
        .product(name: "Crypto", package: "swift-crypto"),
      ]),
    .executableTarget(
      name: "FuzzTrace", dependencies: [.product(name: "MedullaTestbed", package: "medulla")]),
  ]
)
