import Testing

/// The tests that make real links run one after another, so that each can see what is left behind.
@Suite("Real links", .serialized)
enum RealLinks {}
