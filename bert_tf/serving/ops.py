"""The operations that an exported graph may have: all are in the servers from 2.12 on."""

# Of TF Text, with the library of its wheel that has them.
TEXT_OPS = {
    "SentenceFragmentsV2": "_state_based_sentence_breaker_op.so",
    "TFText>ByteSplitByOffsets": "_byte_splitter.so",
    "FastWordpieceTokenizeWithOffsets": "_fast_wordpiece_tokenizer.so",
    "TFText>FastWordpieceTokenizeWithOffsets": "_fast_wordpiece_tokenizer.so",
}
# Of TensorFlow, as far as our graphs use them.
_CORE_OPS = """
    Abs AddN AddV2 All Any ArgMax AsString Assert AssignVariableOp BatchMatMulV2 BiasAdd
    Bitcast BitwiseAnd BroadcastArgs BroadcastTo Cast Concat ConcatV2 Const Cumsum
    DenseBincount DisableCopyOnRead Div EnsureShape Equal Erf Erfc Exp ExpandDims Fill
    FloorDiv FloorMod Gather GatherNd GatherV2 Greater GreaterEqual Identity IdentityN
    If InvertPermutation IsFinite L2Loss LeakyRelu Less LessEqual Log LogSoftmax
    LogicalAnd LogicalNot LogicalOr LowerBound MatMul Max Maximum Mean
    MergeV2Checkpoints Min Minimum Mul Neg NoOp NotEqual OneHot OnesLike Pack Pad PadV2
    ParseExampleV2 PartitionedCall Placeholder Pow Prod RaggedGather RaggedRange
    RaggedTensorToTensor Range Rank ReadVariableOp RealDiv Reciprocal ReduceJoin
    RegexReplace Reshape RestoreV2 ReverseV2 RightShift Rsqrt SaveV2 ScatterNd
    SegmentMax SegmentMean SegmentMin SegmentSum Select SelectV2 Shape ShardedFilename
    Sigmoid Sign Size Slice Softmax Softplus Split SplitV Sqrt Square SquaredDifference
    Squeeze StatefulPartitionedCall StatelessIf StatelessRandomGetKeyCounter
    StatelessRandomUniformFullIntV2 StatelessRandomUniformV2 StatelessWhile
    StaticRegexFullMatch StaticRegexReplace StridedSlice StringJoin StringLength
    StringLower StringSplitV2 StringStrip StringToHashBucketFast Sub Substr Sum Tanh
    TensorListFromTensor TensorListGetItem TensorListReserve TensorListSetItem
    TensorListStack TensorScatterAdd TensorScatterUpdate Tile TopKV2 Transpose
    UnicodeDecode UnicodeDecodeWithOffsets UnicodeEncode UnicodeTranscode Unpack
    UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentSum UpperBound VarHandleOp
    VarIsInitializedOp Where While ZerosLike
"""
ALLOWED_OPS = frozenset(_CORE_OPS.split()) | TEXT_OPS.keys()
