// swift-tools-version: 6.1
import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .unsafeFlags(["-warnings-as-errors"]),
]

let package = Package(
  name: "medulla",
  products: [
    .executable(name: "medulla", targets: ["medulla"]),
    .executable(name: "medullad", targets: ["medullad"]),
    .library(name: "MedullaModel", targets: ["MedullaModel"]),
    .library(name: "MedullaSnapshot", targets: ["MedullaSnapshot"]),
    .library(name: "MedullaDatapath", targets: ["MedullaDatapath"]),
    .library(name: "MedullaLearning", targets: ["MedullaLearning"]),
    .library(name: "MedullaAdaptation", targets: ["MedullaAdaptation"]),
    .library(name: "MedullaControl", targets: ["MedullaControl"]),
    .library(name: "MedullaTestbed", targets: ["MedullaTestbed"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
  ],
  targets: [
    // Arrows only point up this list; `Tests/HouseRulesTests` holds it to that.
    .systemLibrary(
      name: "CLibBPF", pkgConfig: "libbpf", providers: [.apt(["libbpf-dev"])]),
    .target(name: "CMedulla"),
    .target(name: "CCongestion"),
    .target(
      name: "MedullaModel",
      dependencies: [.product(name: "SwiftProtobuf", package: "swift-protobuf")],
      exclude: ["ONNX/onnx-subset.proto"],
      swiftSettings: strict),
    .target(
      name: "MedullaSnapshot",
      dependencies: ["MedullaModel", .product(name: "Crypto", package: "swift-crypto")],
      swiftSettings: strict),
    .target(name: "MedullaCodegen", dependencies: ["MedullaSnapshot"], swiftSettings: strict),
    .target(name: "MedullaKernel", dependencies: ["CLibBPF", "CMedulla"], swiftSettings: strict),
    .target(
      name: "MedullaDatapath",
      dependencies: [
        "MedullaSnapshot", "MedullaCodegen", "MedullaKernel", "CCongestion",
        .product(name: "Crypto", package: "swift-crypto"),
      ],
      // The executable carries the eBPF sources, so that it needs no file beside it.
      resources: [
        .embedInCode("bpf/kernel_types.h"), .embedInCode("bpf/intf.h"),
        .embedInCode("bpf/medulla.bpf.h"), .embedInCode("bpf/medulla_shadow.bpf.h"),
        .embedInCode("bpf/medulla_sample.bpf.h"), .embedInCode("bpf/medulla_live.bpf.h"),
        .embedInCode("bpf/medulla_function.bpf.h"), .embedInCode("bpf/medulla_packet.bpf.h"),
        .embedInCode("bpf/congestion_sample.bpf.h"), .embedInCode("bpf/congestion_record.h"),
        .embedInCode("bpf/congestion_control.h"),
        .embedInCode("bpf/congestion_interval.h"), .embedInCode("bpf/congestion_state.h"),
        .embedInCode("bpf/congestion_flow.bpf.h"), .embedInCode("bpf/congestion.bpf.c"),
        .embedInCode("bpf/query.bpf.c"), .embedInCode("bpf/probe.bpf.c"), .embedInCode("native/bench.c"),
        .embedInCode("native/collect.c"),
      ],
      swiftSettings: strict),
    .target(
      name: "MedullaLearning", dependencies: ["MedullaModel", "CCongestion"],
      swiftSettings: strict),
    .target(
      name: "MedullaAdaptation",
      dependencies: [
        "CMedulla", "MedullaModel", "MedullaSnapshot", "MedullaDatapath", "MedullaLearning",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .target(
      name: "MedullaTestbed",
      dependencies: [
        "CMedulla", "CCongestion", "MedullaModel", "MedullaSnapshot", "MedullaCodegen", "MedullaKernel",
        "MedullaDatapath", "MedullaLearning",
      ],
      resources: [
        .embedInCode("Baselines/bpf/user_space.h"), .embedInCode("Baselines/bpf/user_space.bpf.c"),
        .embedInCode("Baselines/bpf/dctcp.h"), .embedInCode("Baselines/bpf/dctcp.bpf.c"),
        .embedInCode("Baselines/bpf/latency.h"), .embedInCode("Baselines/bpf/latency.bpf.c"),
        .embedInCode("Baselines/native/latency_ways.c"),
        .embedInCode("Baselines/native/latency_process.h"),
        .embedInCode("Baselines/native/latency_descriptors.h"),
        .embedInCode("Baselines/native/latency_ring.h"),
        .embedInCode("Baselines/native/inference_agent.c"), .embedInCode("Baselines/python/onnx_agent.py"),
      ],
      swiftSettings: strict),
    .target(
      name: "MedullaControl",
      dependencies: [
        "CMedulla", "MedullaModel", "MedullaSnapshot", "MedullaKernel", "MedullaDatapath",
        "MedullaAdaptation",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "TOMLKit", package: "TOMLKit"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "medullad",
      dependencies: [
        "MedullaControl", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "medulla",
      dependencies: [
        "MedullaModel", "MedullaSnapshot", "MedullaCodegen", "MedullaKernel", "MedullaDatapath",
        "MedullaLearning", "MedullaAdaptation", "MedullaTestbed", "MedullaControl",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),

    .target(
      name: "InferenceCases", dependencies: ["MedullaModel", "MedullaSnapshot"], path: "Tests/InferenceCases",
      swiftSettings: strict),
    .testTarget(name: "HouseRulesTests", swiftSettings: strict),
    .testTarget(name: "CongestionControlTests", dependencies: ["CCongestion"], swiftSettings: strict),
    .testTarget(
      name: "MedullaModelTests", dependencies: ["MedullaModel"],
      exclude: [
        "Support/onnx_helper_models.py", "Support/onnx_refused_models.py", "Support/onnx_runtime_outputs.py",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "MedullaSnapshotTests",
      dependencies: [
        "MedullaModel", "MedullaSnapshot", "InferenceCases",
        .product(name: "Crypto", package: "swift-crypto"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "MedullaCodegenTests",
      dependencies: ["MedullaModel", "MedullaSnapshot", "MedullaCodegen", "InferenceCases"],
      exclude: ["Golden"],
      swiftSettings: strict),
    .testTarget(name: "MedullaKernelTests", dependencies: ["MedullaKernel"], swiftSettings: strict),
    .testTarget(
      name: "MedullaDatapathTests",
      dependencies: [
        "CMedulla", "MedullaDatapath", "MedullaKernel", "MedullaModel", "MedullaSnapshot", "MedullaCodegen",
        "InferenceCases",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "MedullaLearningTests", dependencies: ["MedullaLearning", "CCongestion", "MedullaModel"],
      swiftSettings: strict),
    .testTarget(
      name: "MedullaAdaptationTests",
      dependencies: [
        "MedullaAdaptation", "MedullaDatapath", "MedullaLearning", "MedullaModel", "MedullaSnapshot",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "MedullaControlTests",
      dependencies: [
        "MedullaControl", "MedullaModel", "MedullaSnapshot", "MedullaKernel", "MedullaDatapath",
        "MedullaAdaptation", "medullad", .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "MedullaTestbedTests", dependencies: ["MedullaTestbed", "medulla"], swiftSettings: strict),
    .testTarget(name: "CommandTests", dependencies: ["medulla"], swiftSettings: strict),
  ]
)
