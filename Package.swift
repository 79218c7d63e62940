// swift-tools-version: 6.1
import PackageDescription

/// Arrows only point down this file's list of targets; `Tests/HouseRulesTests` holds it to that.
func product(_ name: String, _ package: String) -> Target.Dependency {
  .product(name: name, package: package)
}

func embedded(_ files: String...) -> [Resource] { files.map { .embedInCode($0) } }

let package = Package(
  name: "medulla",
  products: [
    .executable(name: "medulla", targets: ["medulla"]),
    .executable(name: "medullad", targets: ["medullad"]),
    .library(name: "Medulla", targets: ["Medulla"]),
    .executable(name: "medulla-lab", targets: ["medulla-lab"]),
    .executable(name: "medulla-demo", targets: ["medulla-demo"]),
    .executable(name: "medulla-gpu-check", targets: ["medulla-gpu-check"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    .systemLibrary(name: "CLibBPF", pkgConfig: "libbpf", providers: [.apt(["libbpf-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CPCAP", pkgConfig: "libpcap", providers: [.apt(["libpcap-dev"])]),
    .systemLibrary(name: "CXDP", pkgConfig: "libxdp", providers: [.apt(["libxdp-dev"])]),
    .target(name: "CHost"),
    .target(name: "CMedullaABI"),
    .target(name: "CMedullaNF", dependencies: ["CMedullaABI"]),
    .target(name: "CMedullaFabric"),
    .target(name: "CEngines"),
    .target(name: "CMedullaLearning"),
    .target(name: "MedullaBase", dependencies: ["CCrypto", "CHost"]),
    .target(
      name: "MedullaModel", dependencies: ["MedullaBase", product("SwiftProtobuf", "swift-protobuf")],
      exclude: ["ONNX/onnx-subset.proto"]),
    .target(
      name: "MedullaEngines", dependencies: ["CEngines", "MedullaBase", "MedullaModel"],
      path: "Sources/NF/MedullaEngines"),
    .target(
      name: "MedullaSnapshot", dependencies: ["CHost", "MedullaBase", "MedullaModel"]),
    .target(
      name: "MedullaFlows",
      dependencies: ["CPCAP", "CHost", "CMedullaABI", "MedullaBase", "MedullaSnapshot"]),
    .target(
      name: "MedullaPayload", dependencies: ["CHost", "CMedullaABI", "MedullaBase"],
      path: "Sources/NF/MedullaPayload"),
    .target(name: "MedullaCodegen", dependencies: ["MedullaBase", "MedullaSnapshot"]),
    .target(
      name: "MedullaKernel", dependencies: ["CLibBPF", "CHost", "MedullaBase"]),
    .target(
      name: "MedullaRuntime",
      dependencies: ["MedullaBase", "MedullaModel", "MedullaSnapshot", "MedullaCodegen", "MedullaKernel"],
      resources: embedded("native/entries.h", "native/plain.c", "native/packed.c")),
    .target(
      name: "MedullaAccelerators",
      dependencies: [
        "MedullaBase", "MedullaModel", "MedullaSnapshot", "MedullaPayload", "MedullaEngines",
      ],
      path: "Sources/NF/MedullaAccelerators",
      // What kernels.ptx is made of; see scripts/accelerator-kernels.sh.
      exclude: ["kernels/kernels.cu", "kernels/integer_network.cuh"],
      resources: embedded("kernels/kernels.ptx")),
    // Apart from the accelerators, so that the check of a GPU, which is carried, links no libbpf.
    .target(
      name: "MedullaAcceleratorRuntimes",
      dependencies: ["MedullaSnapshot", "MedullaRuntime", "MedullaAccelerators"],
      path: "Sources/NF/MedullaAcceleratorRuntimes"),
    .executableTarget(name: "medulla-gpu-check", dependencies: ["MedullaBase", "MedullaAccelerators"]),
    .target(
      name: "MedullaDatapath",
      dependencies: [
        "CMedullaABI", "MedullaBase", "MedullaSnapshot", "MedullaCodegen", "MedullaKernel", "MedullaRuntime",
      ],
      // The executable carries the eBPF sources, so that it needs no file beside it.
      resources: embedded(
        "../CMedullaABI/include/intf.h", "../CMedullaABI/include/packet_intf.h",
        "../CMedullaABI/include/packet_parse.h", "../CMedullaABI/include/flow_past.h",
        "../CMedullaABI/include/flow_state.h",
        "../CMedullaABI/include/flow_features.h", "bpf/kernel_types.h",
        "bpf/medulla_order.bpf.h", "bpf/medulla.bpf.h", "bpf/medulla_shadow.bpf.h",
        "bpf/medulla_decide.bpf.h",
        "bpf/medulla_sample.bpf.h", "bpf/medulla_live.bpf.h", "bpf/medulla_function.bpf.h",
        "bpf/medulla_table.bpf.h", "bpf/medulla_sweep.bpf.h", "bpf/medulla_packet.bpf.h",
        "../CMedullaABI/include/flow_inputs.h", "bpf/flow_inputs.bpf.h", "bpf/flow_features.bpf.h",
        "bpf/dispatch.bpf.c", "bpf/query.bpf.c")),
    .target(
      name: "MedullaCongestion",
      dependencies: ["CMedullaABI", "MedullaBase", "MedullaKernel", "MedullaDatapath"],
      path: "Sources/Functions/MedullaCongestion",
      resources: embedded(
        "../../CMedullaABI/include/congestion_intf.h", "../../CMedullaABI/include/congestion_record.h",
        "../../CMedullaABI/include/congestion_control.h", "../../CMedullaABI/include/congestion_interval.h",
        "../../CMedullaABI/include/congestion_rival.h", "../../CMedullaABI/include/congestion_belief.h",
        "../../CMedullaABI/include/congestion_policer.h", "../../CMedullaABI/include/congestion_past.h",
        "../../CMedullaABI/include/congestion_shadow.h",
        "../../CMedullaABI/include/congestion_state.h", "bpf/congestion_types.h",
        "bpf/congestion_sample.bpf.h", "bpf/congestion_flow.bpf.h", "bpf/congestion.bpf.c",
        "bpf/collect.bpf.c", "bpf/probe.bpf.c", "native/collect.c")),
    .target(
      name: "MedullaPacket",
      dependencies: ["CMedullaABI", "MedullaBase", "MedullaKernel", "MedullaDatapath"],
      path: "Sources/Functions/MedullaPacket"),
    .target(
      name: "MedullaClassification",
      dependencies: [
        "CMedullaABI", "MedullaBase", "MedullaFlows", "MedullaSnapshot", "MedullaKernel", "MedullaDatapath",
      ],
      path: "Sources/Functions/MedullaClassification",
      resources: embedded(
        "../../CMedullaABI/include/classifier_intf.h", "../../CMedullaABI/include/first_packets.h",
        "bpf/classifier.bpf.h", "bpf/classifier.bpf.c", "bpf/first_packets.bpf.c")),
    .target(
      name: "MedullaScheduling",
      dependencies: [
        "CMedullaABI", "MedullaBase", "MedullaFlows", "MedullaSnapshot", "MedullaKernel", "MedullaDatapath",
      ],
      path: "Sources/Functions/MedullaScheduling",
      resources: embedded(
        "../../CMedullaABI/include/scheduling_intf.h", "bpf/scheduling.bpf.h", "bpf/scheduling_admit.bpf.h",
        "bpf/scheduling.bpf.c")),
    .target(
      name: "MedullaPaths",
      dependencies: [
        "CHost", "CMedullaABI", "MedullaBase", "MedullaFlows", "MedullaSnapshot", "MedullaKernel",
        "MedullaDatapath",
      ],
      path: "Sources/Functions/MedullaPaths",
      resources: embedded(
        "../../CMedullaABI/include/paths_intf.h", "../../CMedullaABI/include/path_features.h",
        "bpf/paths.bpf.h", "bpf/paths_follow.bpf.h", "bpf/paths_place.bpf.h", "bpf/paths_steer.bpf.h",
        "bpf/paths.bpf.c")),
    .target(
      name: "MedullaCompile",
      dependencies: [
        "MedullaModel", "MedullaSnapshot", "MedullaCodegen", "MedullaKernel", "MedullaDatapath",
        "MedullaCongestion", "MedullaPacket", "MedullaClassification", "MedullaScheduling", "MedullaPaths",
      ]),
    // Networks over payloads of packets.
    .target(
      name: "MedullaNF",
      dependencies: ["CXDP", "CLibBPF", "CMedullaABI", "CMedullaNF", "MedullaBase", "MedullaKernel"],
      path: "Sources/NF/MedullaNF",
      resources: embedded(
        "../../CMedullaNF/include/nf_intf.h", "../../CMedullaNF/nf_rules.h",
        "../../CMedullaABI/include/packet_parse.h",
        "../../MedullaDatapath/bpf/kernel_types.h", "../../MedullaDatapath/bpf/medulla_order.bpf.h",
        "bpf/nf_demux.bpf.c")),
    // One large network over many switches.
    .target(
      name: "MedullaFabric",
      dependencies: [
        "CHost", "CLibBPF", "CMedullaFabric", "MedullaBase", "MedullaModel", "MedullaSnapshot",
        "MedullaKernel",
      ],
      resources: embedded(
        "../CMedullaFabric/include/fabric_cell.h", "../CMedullaFabric/include/fabric_task.h",
        "../CMedullaFabric/include/fabric_memory.h", "../CMedullaFabric/include/fabric_sum.h",
        "../CMedullaFabric/include/fabric_finish.h", "../CMedullaFabric/include/fabric_dense.h",
        "../CMedullaFabric/include/fabric_convolution.h",
        "../CMedullaFabric/include/fabric_faithful.h", "../CMedullaFabric/include/fabric_sparse.h",
        "../CMedullaFabric/include/fabric_slot.h", "../CMedullaFabric/include/fabric_units.h",
        "../CMedullaFabric/include/fabric_ways.h",
        "../MedullaDatapath/bpf/kernel_types.h", "bpf/fabric_switch.bpf.h", "bpf/fabric_send.bpf.h",
        "bpf/fabric_switch.bpf.c")),
    .target(name: "MedullaFrames", dependencies: ["MedullaBase"]),
    .target(
      name: "MedullaLearning",
      dependencies: [
        "CMedullaABI", "CMedullaLearning", "MedullaBase", "MedullaModel", "MedullaPayload", "MedullaFrames",
      ]),
    .target(
      name: "MedullaNFFunctions",
      dependencies: [
        "CMedullaABI", "MedullaBase", "MedullaSnapshot", "MedullaFlows", "MedullaPayload", "MedullaEngines",
        "MedullaAccelerators", "MedullaModel", "MedullaLearning", "MedullaNF",
      ],
      path: "Sources/NF/MedullaNFFunctions"),
    .target(
      name: "MedullaLabels",
      dependencies: ["CMedullaABI", "MedullaBase", "MedullaSnapshot", "MedullaFlows"]),
    .target(
      name: "MedullaRetraining",
      dependencies: ["MedullaBase", "MedullaModel", "MedullaSnapshot", "MedullaLearning", "MedullaLabels"]),
    .target(
      name: "MedullaAdaptation",
      dependencies: [
        "CHost", "MedullaBase", "MedullaModel", "MedullaSnapshot", "MedullaFlows", "MedullaKernel",
        "MedullaDatapath", "MedullaCompile",
        "MedullaFrames", "MedullaLearning", "MedullaLabels", "MedullaRetraining",
        product("Logging", "swift-log"),
      ]),
    .target(
      name: "MedullaCongestionAdapter",
      dependencies: [
        "MedullaBase", "MedullaModel", "MedullaDatapath", "MedullaCongestion", "MedullaLearning",
        "MedullaAdaptation",
      ],
      path: "Sources/Functions/MedullaCongestionAdapter"),
    .target(
      name: "MedullaClassificationAdapter",
      dependencies: [
        "MedullaBase", "MedullaSnapshot", "MedullaDatapath", "MedullaClassification", "MedullaCompile",
        "MedullaLabels", "MedullaAdaptation",
      ],
      path: "Sources/Functions/MedullaClassificationAdapter"),
    .target(
      name: "MedullaAdapters",
      dependencies: ["MedullaAdaptation", "MedullaCongestionAdapter", "MedullaClassificationAdapter"]),
    .target(
      name: "MedullaControl",
      dependencies: [
        "CYAML", "CHost", "MedullaBase", "MedullaModel", "MedullaSnapshot", "MedullaKernel",
        "MedullaDatapath", "MedullaClassification", "MedullaCompile", "MedullaFrames", "MedullaLabels",
        "MedullaRetraining", "MedullaAdaptation", "MedullaAdapters", "CMedullaNF", "MedullaNF",
        "MedullaNFFunctions", "MedullaFabric",
        product("Logging", "swift-log"),
        product("GRDB", "GRDB.swift"),
      ]),
    // The one public module; all others are this package's own.
    .target(
      name: "Medulla",
      dependencies: [
        "MedullaBase", "MedullaModel", "MedullaSnapshot", "MedullaDatapath", "MedullaCongestion",
        "MedullaPacket", "MedullaClassification", "MedullaScheduling", "MedullaPaths", "MedullaCompile",
        "MedullaAdaptation", "MedullaAdapters",
        product("Logging", "swift-log"),
      ]),
    .executableTarget(
      name: "library-example", dependencies: ["Medulla"], path: "examples/library", packageAccess: false),
    // The testbed: no target of the product imports it.
    .target(
      name: "TestbedLink", dependencies: ["CHost", "MedullaBase"], path: "Sources/Testbed/Link"),
    .target(
      name: "TestbedMeasures",
      dependencies: ["MedullaBase", "MedullaModel", "MedullaSnapshot", "TestbedLink"],
      path: "Sources/Testbed/Measures"),
    .target(
      name: "TestbedCaptures",
      dependencies: ["CMedullaABI", "MedullaBase", "MedullaFlows", "MedullaSnapshot", "TestbedLink"],
      path: "Sources/Testbed/Captures"),
    .target(
      name: "TestbedReport", dependencies: ["MedullaBase"], path: "Sources/Testbed/Report"),
    .target(
      name: "TestbedWorkload", dependencies: ["CHost", "MedullaBase", "TestbedLink"],
      path: "Sources/Testbed/Workload"),
    .target(
      name: "TestbedBaselines",
      dependencies: [
        "CMedullaABI", "MedullaBase", "MedullaModel", "MedullaSnapshot", "MedullaCodegen", "MedullaKernel",
        "MedullaDatapath", "MedullaCongestion", "MedullaCompile", "TestbedLink", "TestbedMeasures",
      ],
      path: "Sources/Testbed/Baselines",
      resources: embedded(
        "bpf/user_space.h", "bpf/user_space.bpf.c", "bpf/dctcp.h", "bpf/dctcp.bpf.c", "bpf/latency.h",
        "bpf/latency.bpf.c", "native/process.h", "native/latency_ways.c", "native/latency_process.h",
        "native/latency_descriptors.h", "native/latency_ring.h", "native/inference_agent.c",
        "python/onnx_agent.py", "python/flow_tree.py")),
    .target(
      name: "TestbedPackets",
      dependencies: [
        "CHost", "CMedullaABI", "MedullaBase", "MedullaModel", "MedullaSnapshot", "MedullaFlows",
        "MedullaKernel", "MedullaRuntime", "MedullaDatapath", "MedullaClassification", "MedullaCompile",
        "TestbedLink", "TestbedMeasures",
      ],
      path: "Sources/Testbed/Packets",
      resources: embedded("bpf/packet_rate.bpf.c", "native/packet_decide.c", "native/decide_table.h")),
    .target(
      name: "TestbedNF",
      dependencies: [
        "CHost", "MedullaBase", "MedullaModel", "MedullaKernel", "MedullaPayload", "MedullaEngines",
        "MedullaAccelerators", "MedullaLearning", "MedullaNF", "MedullaNFFunctions", "TestbedLink",
        "TestbedMeasures", "TestbedPackets",
      ],
      path: "Sources/Testbed/NF",
      resources: embedded(
        "python/seeded_models.py", "python/torch_stream.py", "python/file_types.py", "python/static_int8.py")),
    .target(
      name: "TestbedLargeScale",
      dependencies: [
        "CMedullaABI", "MedullaBase", "MedullaModel", "MedullaSnapshot", "MedullaCodegen", "MedullaLearning",
        "TestbedLink", "TestbedMeasures", "TestbedWorkload",
      ],
      path: "Sources/Testbed/LargeScale"),
    .target(
      name: "TestbedExperiments",
      dependencies: [
        "CHost", "CMedullaABI", "MedullaBase", "MedullaFlows", "MedullaModel", "MedullaSnapshot",
        "MedullaRuntime", "MedullaDatapath", "MedullaCongestion", "MedullaClassification",
        "MedullaScheduling", "MedullaPaths",
        "MedullaCompile", "MedullaFrames", "MedullaLearning", "MedullaLabels", "MedullaRetraining",
        "MedullaAdaptation", "MedullaControl", "MedullaEngines", "MedullaAccelerators", "MedullaNF",
        "MedullaFabric", "TestbedLink", "TestbedMeasures", "TestbedCaptures", "TestbedReport",
        "TestbedWorkload",
        "TestbedBaselines", "TestbedLargeScale", "TestbedPackets", "TestbedNF",
      ],
      path: "Sources/Testbed/Experiments"),
    .target(
      name: "TestbedDemo",
      dependencies: [
        "MedullaBase", "MedullaModel", "MedullaSnapshot", "MedullaRuntime", "MedullaDatapath",
        "MedullaCongestion", "MedullaCompile", "MedullaLearning", "TestbedLink", "TestbedMeasures",
        "TestbedReport",
        "TestbedWorkload", product("ArgumentParser", "swift-argument-parser"),
      ],
      path: "Sources/Testbed/Demo"),
    .executableTarget(
      name: "medulla-demo", dependencies: ["MedullaBase", "TestbedDemo", "TestbedLink"]
    ),
    .executableTarget(
      name: "medulla-lab",
      dependencies: [
        "MedullaBase", "MedullaSnapshot", "MedullaDatapath", "MedullaCongestion", "MedullaCompile",
        "TestbedLink", "TestbedMeasures", "TestbedReport", "TestbedWorkload", "TestbedBaselines",
        "TestbedNF", "TestbedExperiments", "TestbedDemo",
        product("ArgumentParser", "swift-argument-parser"),
      ]),
    .executableTarget(
      name: "medullad",
      dependencies: ["MedullaBase", "MedullaControl", product("ArgumentParser", "swift-argument-parser")]),
    .executableTarget(
      name: "medulla",
      dependencies: [
        "MedullaBase", "MedullaFlows", "MedullaModel", "MedullaSnapshot", "MedullaCodegen", "MedullaKernel",
        "MedullaRuntime", "MedullaDatapath", "MedullaCongestion", "MedullaPacket", "MedullaClassification",
        "MedullaScheduling", "MedullaPaths", "MedullaCompile", "MedullaLearning", "MedullaLabels",
        "MedullaAdaptation", "MedullaControl", "MedullaNF", "MedullaNFFunctions", "MedullaFabric",
        product("ArgumentParser", "swift-argument-parser"),
      ]),

    .target(
      name: "InferenceCases", dependencies: ["MedullaBase", "MedullaModel", "MedullaSnapshot"],
      path: "Tests/Cases/InferenceCases"),
    .target(
      name: "RuntimeCases",
      dependencies: ["MedullaBase", "MedullaModel", "MedullaSnapshot", "MedullaRuntime", "InferenceCases"],
      path: "Tests/Cases/RuntimeCases"),
    .testTarget(name: "HouseRulesTests"),
    .testTarget(
      name: "MedullaFabricTests",
      dependencies: [
        "CMedullaFabric", "MedullaBase", "MedullaModel", "MedullaSnapshot", "MedullaFabric", "InferenceCases",
        "FabricProperties",
      ],
      // Compiled by the tests that run it, where DPDK is.
      exclude: ["P4/golden", "P4/Support/swx_oracle.c"]),
    .testTarget(name: "CongestionControlTests", dependencies: ["CMedullaABI"]),
    .testTarget(name: "MedullaBaseTests", dependencies: ["MedullaBase"]),
    .testTarget(
      name: "MedullaModelTests",
      dependencies: ["InferenceCases", "MedullaBase", "MedullaModel", "ModelProperties"],
      exclude: [
        "Support/onnx_helper_models.py", "Support/onnx_refused_models.py", "Support/onnx_runtime_outputs.py",
      ]),
    .testTarget(
      name: "MedullaEnginesTests", dependencies: ["MedullaBase", "MedullaEngines"],
      exclude: ["Support/engine_models.py"]),
    .testTarget(
      name: "MedullaSnapshotTests",
      dependencies: [
        "MedullaBase", "MedullaModel", "MedullaSnapshot", "InferenceCases", "SnapshotFileProperties",
      ]),
    .testTarget(
      name: "MedullaCodegenTests",
      dependencies: [
        "MedullaBase", "MedullaModel", "MedullaSnapshot", "MedullaCodegen", "MedullaKernel", "InferenceCases",
      ],
      exclude: ["Golden"]),
    .testTarget(name: "MedullaKernelTests", dependencies: ["MedullaKernel"]),
    .testTarget(
      name: "MedullaRuntimeTests",
      dependencies: [
        "MedullaBase", "MedullaModel", "MedullaSnapshot", "MedullaCodegen", "MedullaKernel", "MedullaRuntime",
        "MedullaDatapath", "InferenceCases", "RuntimeCases",
      ]),
    .testTarget(
      name: "MedullaAcceleratorsTests",
      dependencies: [
        "MedullaBase", "MedullaPayload", "MedullaEngines", "MedullaAccelerators", "medulla-gpu-check",
      ],
      exclude: ["FakeCUDA"]),
    .testTarget(
      name: "MedullaAcceleratorRuntimesTests",
      dependencies: [
        "MedullaSnapshot", "MedullaRuntime", "MedullaAccelerators", "MedullaAcceleratorRuntimes",
        "InferenceCases", "RuntimeCases",
      ]),
    .target(name: "CWire", path: "Tests/Cases/CWire"),
    .target(
      name: "DatapathCases",
      dependencies: [
        "CWire", "CHost", "MedullaBase", "MedullaModel", "MedullaSnapshot", "MedullaKernel",
        "MedullaDatapath",
        "MedullaPacket", "MedullaCompile",
      ],
      path: "Tests/Cases/Datapath"),
    .testTarget(
      name: "MedullaDatapathTests",
      dependencies: [
        "CMedullaABI", "MedullaBase", "MedullaDatapath", "MedullaCongestion", "MedullaCompile",
        "MedullaKernel", "MedullaModel", "MedullaSnapshot", "MedullaCodegen", "MedullaRuntime",
        "DatapathCases",
      ]),
    .testTarget(
      name: "MedullaCongestionTests",
      dependencies: [
        "CLibBPF", "MedullaBase", "MedullaDatapath", "MedullaCongestion", "MedullaCompile", "MedullaKernel",
        "MedullaSnapshot", "DatapathCases",
      ]),
    .target(name: "PacketCases", path: "Tests/Cases/Packets"),
    .executableTarget(
      name: "nf-test-function", dependencies: ["CMedullaNF", "MedullaBase", "MedullaNF"],
      path: "Tests/Cases/NFFunction"),
    .executableTarget(
      name: "nf-dpdk-host", dependencies: ["MedullaBase", "MedullaNF"], path: "Tests/Cases/NFHost"),
    .executableTarget(
      name: "nf-rogue-function", dependencies: ["CHost", "CMedullaNF"], path: "Tests/Cases/NFRogue"),
    .testTarget(
      name: "MedullaNFTests",
      dependencies: [
        "CMedullaABI", "CMedullaNF", "CWire", "MedullaBase", "MedullaModel", "MedullaKernel",
        "MedullaDatapath", "MedullaCongestion", "MedullaClassification", "MedullaCompile", "MedullaNF",
        "MedullaPayload", "MedullaEngines", "MedullaNFFunctions", "DatapathCases", "RingProperties",
        "nf-test-function", "nf-rogue-function", "nf-dpdk-host",
      ]),
    .testTarget(
      name: "MedullaPacketTests",
      dependencies: [
        "CLibBPF", "CMedullaABI", "MedullaBase", "MedullaFlows", "MedullaDatapath", "MedullaPacket",
        "MedullaCompile", "MedullaKernel", "MedullaModel", "MedullaSnapshot", "DatapathCases", "PacketCases",
      ]),
    .testTarget(
      name: "MedullaNFFunctionsTests",
      dependencies: [
        "MedullaBase", "MedullaEngines", "MedullaPayload", "MedullaNF", "MedullaNFFunctions",
      ]),
    .testTarget(
      name: "MedullaClassificationTests",
      dependencies: [
        "CMedullaABI", "MedullaBase", "MedullaFlows", "MedullaSnapshot", "MedullaDatapath",
        "MedullaClassification", "MedullaCompile", "MedullaKernel", "DatapathCases", "PacketCases",
        "TestbedCaptures", "TestbedExperiments",
      ]),
    .testTarget(
      name: "MedullaSchedulingTests",
      dependencies: [
        "CMedullaABI", "MedullaBase", "MedullaFlows", "MedullaSnapshot", "MedullaDatapath",
        "MedullaScheduling", "MedullaCompile", "MedullaKernel", "MedullaModel", "DatapathCases",
        "PacketCases",
      ]),
    .testTarget(
      name: "MedullaPathsTests",
      dependencies: [
        "CMedullaABI", "MedullaBase", "MedullaFlows", "MedullaSnapshot", "MedullaDatapath", "MedullaPaths",
        "MedullaCompile", "MedullaKernel", "MedullaModel", "DatapathCases", "PacketCases",
      ]),
    .testTarget(
      name: "MedullaFlowsTests",
      dependencies: [
        "CHost", "CMedullaABI", "DatapathCases", "FlowProperties", "MedullaBase", "MedullaFlows",
        "PacketCases", "TestbedCaptures",
      ]),
    .testTarget(
      name: "MedullaPayloadTests",
      dependencies: [
        "CHost", "CMedullaABI", "MedullaBase", "MedullaPayload", "PacketCases", "PayloadProperties",
      ]),
    .testTarget(
      name: "TestbedCapturesTests",
      dependencies: [
        "CMedullaABI", "MedullaBase", "MedullaFlows", "MedullaSnapshot", "TestbedCaptures", "TestbedLink",
      ]),
    .testTarget(
      name: "MedullaCompileTests",
      dependencies: [
        "MedullaModel", "MedullaSnapshot", "MedullaDatapath", "MedullaCompile", "MedullaKernel",
        "DatapathCases",
      ]),
    .testTarget(
      name: "MedullaLearningTests",
      dependencies: [
        "MedullaBase", "MedullaFrames", "MedullaLearning", "CMedullaABI", "MedullaModel", "MedullaPayload",
      ],
      exclude: ["Convolution/pytorch_slopes.py", "Convolution/pytorch_slopes.json"]),
    .executableTarget(
      name: "label-book-writer", dependencies: ["MedullaBase", "MedullaLabels"],
      path: "Tests/Cases/LabelBookWriter"),
    .testTarget(
      name: "MedullaLabelsTests",
      dependencies: [
        "CMedullaABI", "LabelProperties", "MedullaBase", "MedullaSnapshot", "MedullaFlows", "MedullaLabels",
        "TestbedCaptures", "label-book-writer",
      ],
      exclude: ["Merging/independent_estimate.py"]),
    .testTarget(
      name: "MedullaRetrainingTests",
      dependencies: ["MedullaBase", "MedullaModel", "MedullaLearning", "MedullaLabels", "MedullaRetraining"]),
    .testTarget(
      name: "MedullaAdaptationTests",
      dependencies: [
        "CHost", "MedullaBase", "MedullaFlows", "MedullaFrames", "MedullaAdaptation",
        "MedullaCongestionAdapter", "MedullaDatapath", "MedullaKernel", "MedullaClassification",
        "MedullaLabels", "CMedullaABI", "MedullaCongestion", "MedullaScheduling", "MedullaCompile",
        "MedullaLearning", "MedullaRetraining",
        "MedullaModel", "MedullaSnapshot", "DatapathCases", "InferenceCases", "PacketCases",
        "FrameProperties", "medulla",
      ]),
    .testTarget(
      name: "MedullaControlTests",
      dependencies: [
        "DaemonProperties", "DatapathCases", "MedullaBase", "MedullaControl", "MedullaNF", "MedullaFrames",
        "MedullaModel", "MedullaSnapshot", "MedullaKernel", "MedullaDatapath", "MedullaCongestion",
        "MedullaClassification", "MedullaCompile", "MedullaAdaptation",
        "medulla", "medullad",
        product("Logging", "swift-log"),
      ]),
    .target(
      name: "TestbedCases",
      dependencies: [
        "CHost", "MedullaBase", "MedullaDatapath", "MedullaCongestion", "MedullaCompile", "MedullaSnapshot",
        "TestbedLink", "TestbedMeasures", "TestbedWorkload", "TestbedBaselines", "TestbedLargeScale",
      ],
      path: "Tests/Cases/Testbed"),
    .testTarget(
      name: "TestbedLinkTests",
      dependencies: [
        "LinkProperties", "MedullaBase", "TestbedLink", "TestbedWorkload", "TestbedCases", "medulla-lab",
      ]),
    .testTarget(
      name: "TestbedMeasuresTests", dependencies: ["MedullaBase", "TestbedLink", "TestbedMeasures"]),
    .testTarget(
      name: "TestbedReportTests", dependencies: ["MedullaBase", "TestbedReport"]),
    .testTarget(
      name: "TestbedWorkloadTests",
      dependencies: [
        "MedullaBase", "TestbedLink", "TestbedMeasures", "TestbedWorkload", "TestbedCases", "medulla-lab",
      ]),
    .testTarget(
      name: "TestbedBaselinesTests",
      dependencies: [
        "MedullaBase", "MedullaSnapshot", "TestbedLink", "TestbedMeasures", "TestbedWorkload",
        "TestbedBaselines", "TestbedCases", "medulla-lab",
      ]),
    .testTarget(
      name: "TestbedLargeScaleTests",
      dependencies: [
        "MedullaBase", "MedullaFlows", "MedullaSnapshot", "MedullaCodegen", "MedullaKernel",
        "MedullaLearning",
        "MedullaDatapath", "MedullaScheduling", "TestbedLink", "TestbedMeasures", "TestbedWorkload",
        "TestbedLargeScale", "TestbedCases",
      ]),
    .testTarget(
      name: "TestbedExperimentsTests",
      dependencies: [
        "CMedullaABI", "MedullaCompile", "MedullaBase", "MedullaModel", "MedullaSnapshot", "MedullaKernel",
        "MedullaDatapath", "MedullaCongestion", "MedullaLearning", "MedullaFabric",
        "TestbedLink", "TestbedMeasures", "TestbedReport", "TestbedWorkload", "TestbedBaselines",
        "TestbedCaptures", "TestbedLargeScale", "TestbedPackets", "TestbedExperiments", "TestbedCases",
        "medulla", "medulla-lab",
      ]),
    .testTarget(
      name: "TestbedNFTests",
      dependencies: [
        "MedullaBase", "MedullaAccelerators", "MedullaEngines", "MedullaNF", "TestbedLink", "TestbedNF",
        "TestbedCases", "medulla-lab",
      ]),
    .testTarget(
      name: "TestbedDemoTests",
      dependencies: ["TestbedLink", "TestbedMeasures", "TestbedDemo", "TestbedCases", "medulla-demo"]),
    .testTarget(
      name: "MedullaTests", dependencies: ["Medulla", "library-example"], packageAccess: false),
    .testTarget(
      name: "CommandTests",
      dependencies: ["MedullaBase", "MedullaModel", "medulla", "medullad", "medulla-lab"]),
  ]
)

// What holds for each parser on any bytes at all: tests replay the corpus by it, fuzzers search by it.
let properties: [(name: String, dependencies: [Target.Dependency])] = [
  ("ModelProperties", ["MedullaModel"]),
  ("SnapshotFileProperties", ["MedullaBase", "MedullaSnapshot"]),
  (
    "FrameProperties",
    ["MedullaFrames", "MedullaLearning", "MedullaLabels", "MedullaSnapshot", "MedullaAdaptation"]
  ),
  ("DaemonProperties", ["MedullaAdaptation", "MedullaControl"]),
  ("LinkProperties", ["TestbedLink"]),
  ("FlowProperties", ["MedullaFlows"]),
  ("PayloadProperties", ["CMedullaABI", "MedullaPayload"]),
  ("LabelProperties", ["MedullaBase", "MedullaLabels", "MedullaSnapshot"]),
  ("RingProperties", ["CMedullaNF", "MedullaNF"]),
  ("FabricProperties", ["CMedullaFabric", "MedullaFabric"]),
]
package.targets += properties.map {
  .target(
    name: $0.name, dependencies: $0.dependencies, path: "Tests/Cases/ParserProperties/\($0.name)")
}

// `make fuzz`: one executable for each parser, on libFuzzer. Only then are they part of the package, because
// all that they link must be built with --sanitize=fuzzer.
if Context.environment["MEDULLA_FUZZ"] != nil {
  let targets: [(name: String, dependencies: [Target.Dependency])] = [
    ("FuzzAdapterFrames", ["FrameProperties"]),
    ("FuzzConfiguration", ["DaemonProperties"]),
    ("FuzzControl", ["DaemonProperties"]),
    ("FuzzCSV", ["ModelProperties"]),
    ("FuzzFabricCell", ["FabricProperties"]),
    ("FuzzFlows", ["FlowProperties"]),
    ("FuzzLists", ["LabelProperties"]),
    ("FuzzNFRing", ["RingProperties"]),
    ("FuzzNFWelcome", ["RingProperties"]),
    ("FuzzNPY", ["ModelProperties"]),
    ("FuzzONNX", ["ModelProperties"]),
    ("FuzzPayload", ["PayloadProperties"]),
    ("FuzzRules", ["LabelProperties"]),
    ("FuzzSafetensors", ["ModelProperties"]),
    ("FuzzSnapshot", ["MedullaBase", "SnapshotFileProperties"]),
    ("FuzzTrace", ["LinkProperties"]),
  ]
  package.targets += targets.map {
    .executableTarget(
      name: $0.name, dependencies: $0.dependencies, path: "fuzz/\($0.name)")
  }
}

// Tests of what mostly computes spend their time there without optimization. Unsafe flags would keep
// others from depending on this package, so they are there only where a script of ours asks for them.
if Context.environment["MEDULLA_OPTIMIZE"] == "yes" {
  let computing = [
    "MedullaBase", "MedullaModel", "MedullaSnapshot", "MedullaFlows", "MedullaPayload", "MedullaCodegen",
    "MedullaLearning",
    "MedullaLabels", "MedullaRetraining", "MedullaAdaptation", "PayloadProperties",
    "MedullaAccelerators", "HouseRulesTests", "InferenceCases", "RuntimeCases", "MedullaFabric",
  ]
  for target in package.targets where computing.contains(target.name) {
    target.swiftSettings = (target.swiftSettings ?? []) + [.unsafeFlags(["-O"], .when(configuration: .debug))]
  }
  for target in package.targets where ["CMedullaLearning", "CMedullaFabric"].contains(target.name) {
    target.cSettings = [.unsafeFlags(["-O2"], .when(configuration: .debug))]
  }
}
