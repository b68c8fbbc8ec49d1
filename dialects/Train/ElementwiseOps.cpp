//===- ElementwiseOps.cpp - Element by element ----- -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Train/Builders.h"
#include "Train/Elementwise.h"
#include "Train/Inference.h"
#include "Train/Train.h"

using namespace mlir;
using namespace spillway::train;

//===----------------------------------------------------------------------===//
// ConstantOp, FillOp, CopyOp, CastOp
//===----------------------------------------------------------------------===//

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValueAttr(); }

LogicalResult FillOp::verify() {
  double value = getValue().convertToDouble();
  Type element = tensorType(getResult()).getElementType();
  if (isa<FloatType>(element))
    return success();
  // A truth value and unsigned integers start at 0; 2^63 itself is out of range.
  unsigned bits = element.getIntOrFloatBitWidth();
  bool isSigned = bits > 1 && !element.isUnsignedInteger();
  double low = isSigned ? -std::ldexp(1.0, bits - 1) : 0, high = std::ldexp(1.0, isSigned ? bits - 1 : bits);
  if (!(value >= low && value < high) || value != std::floor(value))
    return emitOpError("expects a value that ") << element << " can hold, but got " << value;
  return success();
}

bool CopyOp::acceptsStrides(unsigned, ArrayRef<int64_t>) { return true; }

LogicalResult CopyOp::differentiate(OpBuilder &, ValueRange grads, ArrayRef<bool>,
                                    SmallVectorImpl<Value> &operandGrads) {
  operandGrads.push_back(grads[0]);
  return success();
}

bool CastOp::acceptsStrides(unsigned, ArrayRef<int64_t>) { return true; }

OpFoldResult CastOp::fold(FoldAdaptor adaptor) {
  if (getInput().getType() == getType())
    return getInput();
  auto dense = dyn_cast_or_null<DenseElementsAttr>(adaptor.getInput());
  auto to = cast<RankedTensorType>(getType());
  if (!dense || !dense.getElementType().isSignlessInteger() || (!dense.isSplat() && dense.getNumElements() > 4096))
    return {};
  if (auto floating = dyn_cast<FloatType>(to.getElementType()))
    return dense.mapValues(floating, [&](const APInt &value) {
      APFloat number(floating.getFloatSemantics());
      bool isSigned = dense.getElementType().getIntOrFloatBitWidth() > 1;
      number.convertFromAPInt(value, isSigned, APFloat::rmNearestTiesToEven);
      return number.bitcastToAPInt();
    });
  return {};
}

LogicalResult CastOp::differentiate(OpBuilder &builder, ValueRange grads, ArrayRef<bool>,
                                    SmallVectorImpl<Value> &operandGrads) {
  bool isFloat = isa<FloatType>(tensorType(getInput()).getElementType());
  operandGrads.push_back(isFloat ? CastOp::create(builder, getLoc(), getInput().getType(), grads[0]) : Value());
  return success();
}

//===----------------------------------------------------------------------===//
// UnaryOp, UnaryGradOp
//===----------------------------------------------------------------------===//

/// `fn %a(, %b)* attr-dict : type(, type)*`; the types of unary forms are one.
/// At least `minOperands` operands, of tensor types: the result is inferred from
/// them before a verifier sees the op.
static ParseResult parseTableOp(OpAsmParser &parser, OperationState &state, bool oneType, size_t minOperands) {
  StringRef fn;
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SmallVector<Type> types;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseKeyword(&fn) || parser.parseOperandList(operands) ||
      parser.parseOptionalAttrDict(state.attributes) || parser.parseColonTypeList(types))
    return failure();
  state.addAttribute("fn", parser.getBuilder().getStringAttr(fn));
  if (operands.size() < minOperands)
    return parser.emitError(loc, "expects at least ") << minOperands << " operands, but got " << operands.size();
  for (Type type : types)
    if (!isa<RankedTensorType>(type))
      return parser.emitError(loc, "expects types of ranked tensors, but got ") << type;
  if (oneType) {
    if (types.size() != 1)
      return parser.emitError(loc, "expects one type, but got ") << types.size();
    types.resize(operands.size(), types[0]);
  }
  return parser.resolveOperands(operands, types, loc, state.operands);
}

static void printTableOp(OpAsmPrinter &printer, Operation *op, StringRef fn, bool oneType) {
  printer << ' ' << fn << ' ' << op->getOperands();
  printer.printOptionalAttrDict(op->getAttrs(), {"fn"});
  printer << " : ";
  if (oneType)
    printer << op->getOperand(0).getType();
  else
    printer << op->getOperandTypes();
}

/// Parses operands, then infers the result.
template <typename OpTy>
static ParseResult parseAndInfer(OpAsmParser &parser, OperationState &state, bool oneType) {
  SMLoc loc = parser.getCurrentLocation();
  if (parseTableOp(parser, state, oneType, oneType ? 1 : 2))
    return failure();
  SmallVector<Type> types;
  if (failed(OpTy::inferReturnTypes(parser.getContext(), parser.getEncodedSourceLoc(loc), state.operands,
                                    state.attributes.getDictionary(parser.getContext()),
                                    state.getRawProperties(), state.regions, types)))
    return failure();
  state.addTypes(types);
  return success();
}

ParseResult UnaryOp::parse(OpAsmParser &parser, OperationState &state) {
  return parseAndInfer<UnaryOp>(parser, state, /*oneType=*/true);
}
void UnaryOp::print(OpAsmPrinter &printer) { printTableOp(printer, *this, getFn(), true); }

void UnaryOp::build(OpBuilder &builder, OperationState &state, Value input, StringRef fn) {
  build(builder, state, input.getType(), input, builder.getStringAttr(fn), FloatAttr());
}
void UnaryOp::build(OpBuilder &builder, OperationState &state, Value input, StringRef fn, double a) {
  build(builder, state, input.getType(), input, builder.getStringAttr(fn), builder.getF64FloatAttr(a));
}

static LogicalResult verifyUnary(Operation *op, StringRef fn, bool hasA) {
  std::optional<UnaryInfo> info = lookupUnary(fn);
  if (!info)
    return op->emitOpError("expects a unary function of the elementwise table, but got '") << fn << "'";
  if (info->hasParameter != hasA)
    return op->emitOpError("expects ") << (info->hasParameter ? "the" : "no") << " attribute 'a' for '" << fn << "'";
  return success();
}

LogicalResult UnaryOp::verify() { return verifyUnary(*this, getFn(), getAAttr() != nullptr); }

int64_t UnaryOp::getFlops() { return tensorType(getResult()).getNumElements() * lookupUnary(getFn())->flops; }
bool UnaryOp::acceptsStrides(unsigned, ArrayRef<int64_t>) { return true; }
SmallVector<std::pair<unsigned, unsigned>> UnaryOp::getInPlacePairs() { return {{0, 0}}; }

LogicalResult UnaryOp::differentiate(OpBuilder &builder, ValueRange grads, ArrayRef<bool>,
                                     SmallVectorImpl<Value> &operandGrads) {
  UnaryInfo info = *lookupUnary(getFn());
  if (info.needs == GradNeeds::ZERO || !isa<FloatType>(tensorType(getInput()).getElementType())) {
    operandGrads.push_back({});
    return success();
  }
  Value saved;
  if (info.needs == GradNeeds::X)
    saved = getInput();
  else if (info.needs == GradNeeds::Y)
    saved = getResult();
  operandGrads.push_back(
      UnaryGradOp::create(builder, getLoc(), grads[0].getType(), grads[0], saved, getFnAttr(), getAAttr()));
  return success();
}

namespace {
/// x * 1 and x ^ 1 are x (but x + 0 is not, where x is -0); x ^ 2 has a cheaper form.
struct DropIdentityScalar : OpRewritePattern<UnaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(UnaryOp op, PatternRewriter &rewriter) const override {
    if (!op.getA())
      return failure();
    double a = op.getA()->convertToDouble();
    if ((op.getFn() == "mul_scalar" && a == 1.0) || (op.getFn() == "pow_scalar" && a == 1.0)) {
      rewriter.replaceOp(op, op.getInput());
      return success();
    }
    if (op.getFn() == "pow_scalar" && a == 2.0) {
      rewriter.replaceOpWithNewOp<UnaryOp>(op, op.getInput(), "square");
      return success();
    }
    return failure();
  }
};
} // namespace

void UnaryOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<DropIdentityScalar>(context);
}

ParseResult UnaryGradOp::parse(OpAsmParser &parser, OperationState &state) {
  return parseAndInfer<UnaryGradOp>(parser, state, /*oneType=*/true);
}
void UnaryGradOp::print(OpAsmPrinter &printer) { printTableOp(printer, *this, getFn(), true); }

LogicalResult UnaryGradOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getGrad().getType());
  return success();
}

LogicalResult UnaryGradOp::verify() {
  std::optional<UnaryInfo> info = lookupUnary(getFn());
  if (!info || info->needs == GradNeeds::ZERO)
    return emitOpError("expects a differentiable function of the elementwise table, but got '") << getFn() << "'";
  if (failed(verifyUnary(*this, getFn(), getAAttr() != nullptr)))
    return failure();
  if ((info->needs != GradNeeds::NONE) != (getSaved() != nullptr))
    return emitOpError("expects ") << (info->needs == GradNeeds::NONE ? "no" : "one") << " saved operand for '"
           << getFn() << "'";
  if (getSaved() && getSaved().getType() != getGrad().getType())
    return emitOpError("expects a saved operand of type ") << getGrad().getType() << ", but got "
           << getSaved().getType();
  return verifyInferred(*this);
}

int64_t UnaryGradOp::getFlops() {
  return tensorType(getResult()).getNumElements() * (lookupUnary(getFn())->flops + 2);
}
bool UnaryGradOp::acceptsStrides(unsigned index, ArrayRef<int64_t>) { return index == 0; }
SmallVector<std::pair<unsigned, unsigned>> UnaryGradOp::getInPlacePairs() { return {{0, 0}}; }

//===----------------------------------------------------------------------===//
// BinaryOp
//===----------------------------------------------------------------------===//

template <typename OpTy>
static LogicalResult inferBroadcast(std::optional<Location> loc, ValueRange operands, Type element,
                                    SmallVectorImpl<Type> &types) {
  SmallVector<int64_t> shape(tensorType(operands[0]).getShape());
  for (Value operand : operands.drop_front()) {
    FailureOr<SmallVector<int64_t>> joined = broadcastShapes(shape, tensorType(operand).getShape());
    if (failed(joined))
      return emitInferError<OpTy>(loc, "expects operands that broadcast, but got ", operands[0].getType(), " and ",
                               operand.getType());
    shape = *joined;
  }
  types.push_back(RankedTensorType::get(shape, element));
  return success();
}

static LogicalResult verifyOneElementType(Operation *op, Value lhs, Value rhs) {
  Type a = tensorType(lhs).getElementType(), b = tensorType(rhs).getElementType();
  if (a != b)
    return op->emitOpError("expects operands of one element type, but got ") << a << " and " << b;
  return success();
}

ParseResult BinaryOp::parse(OpAsmParser &parser, OperationState &state) {
  return parseAndInfer<BinaryOp>(parser, state, /*oneType=*/false);
}
void BinaryOp::print(OpAsmPrinter &printer) { printTableOp(printer, *this, getFn(), false); }

template <typename OpTy>
static void buildInferred(OpBuilder &builder, OperationState &state, StringRef fn, Value lhs, Value rhs) {
  state.addOperands({lhs, rhs});
  state.getOrAddProperties<typename OpTy::Properties>().fn = builder.getStringAttr(fn);
  SmallVector<Type> types;
  if (failed(OpTy::inferReturnTypes(builder.getContext(), state.location, state.operands, {},
                                    state.getRawProperties(), state.regions, types)))
    llvm::report_fatal_error("operands of a table op do not broadcast");
  state.addTypes(types);
}

void BinaryOp::build(OpBuilder &builder, OperationState &state, StringRef fn, Value lhs, Value rhs) {
  buildInferred<BinaryOp>(builder, state, fn, lhs, rhs);
}

LogicalResult BinaryOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  return inferBroadcast<BinaryOp>(loc, adaptor.getOperands(), tensorType(adaptor.getLhs()).getElementType(), types);
}

LogicalResult BinaryOp::verify() {
  if (!lookupBinary(getFn()))
    return emitOpError("expects a binary function of the elementwise table, but got '") << getFn() << "'";
  if (failed(verifyOneElementType(*this, getLhs(), getRhs())))
    return failure();
  return verifyInferred(*this);
}

int64_t BinaryOp::getFlops() { return tensorType(getResult()).getNumElements() * lookupBinary(getFn())->flops; }
bool BinaryOp::acceptsStrides(unsigned, ArrayRef<int64_t>) { return true; }
SmallVector<int64_t> BinaryOp::getReadShape(unsigned) { return SmallVector<int64_t>(tensorType(getResult()).getShape()); }

SmallVector<std::pair<unsigned, unsigned>> BinaryOp::getInPlacePairs() {
  SmallVector<std::pair<unsigned, unsigned>> pairs;
  for (unsigned i : {0u, 1u})
    if (getOperand(i).getType() == getType())
      pairs.push_back({i, 0});
  return pairs;
}

LogicalResult BinaryOp::differentiate(OpBuilder &builder, ValueRange grads, ArrayRef<bool> needed,
                                      SmallVectorImpl<Value> &operandGrads) {
  operandGrads.assign(2, Value());
  if (!isa<FloatType>(tensorType(getLhs()).getElementType()))
    return success();
  Location loc = getLoc();
  Value g = grads[0], a = getLhs(), b = getRhs();
  auto binary = [&](StringRef fn, Value x, Value y) -> Value { return BinaryOp::create(builder, loc, fn, x, y); };
  auto unary = [&](StringRef fn, Value x) -> Value { return UnaryOp::create(builder, loc, x, fn); };
  Value da, db;
  if (getFn() == "add") {
    da = db = g;
  } else if (getFn() == "sub") {
    da = g;
    if (needed[1])
      db = unary("neg", g);
  } else if (getFn() == "mul") {
    if (needed[0])
      da = binary("mul", g, b);
    if (needed[1])
      db = binary("mul", g, a);
  } else if (getFn() == "div") {
    da = binary("div", g, b);
    if (needed[1])
      db = unary("neg", binary("mul", da, getResult()));
  } else if (getFn() == "max" || getFn() == "min") {
    Value first = CompareOp::create(builder, loc, getFn() == "max" ? "gt" : "lt", a, b);
    Value zero = FillOp::create(builder, loc, RankedTensorType::get({}, tensorType(g).getElementType()),
                                builder.getF64FloatAttr(0.0));
    da = SelectOp::create(builder, loc, first, g, zero);
    db = SelectOp::create(builder, loc, first, zero, g);
  } else { // pow
    if (needed[0]) {
      Value less = UnaryOp::create(builder, loc, b, "add_scalar", -1.0);
      da = binary("mul", g, binary("mul", b, binary("pow", a, less)));
    }
    if (needed[1])
      db = binary("mul", g, binary("mul", getResult(), unary("log", a)));
  }
  if (needed[0])
    operandGrads[0] = sumTo(builder, loc, da, tensorType(a).getShape());
  if (needed[1])
    operandGrads[1] = sumTo(builder, loc, db, tensorType(b).getShape());
  return success();
}

/// The number that every element of `value` is, if it is a constant splat.
static std::optional<double> splatOf(Value value) {
  if (auto fill = value.getDefiningOp<FillOp>())
    return fill.getValue().convertToDouble();
  DenseElementsAttr dense;
  if (!matchPattern(value, m_Constant(&dense)) || !dense.isSplat() || !isa<FloatType>(dense.getElementType()))
    return std::nullopt;
  return dense.getSplatValue<APFloat>().convertToDouble();
}

/// Whether x / c may become x * (1 / c): where 1 / c is a normal number of the type.
static bool hasReciprocal(double c, Type element) {
  APFloat number(1.0 / c);
  bool losesInfo;
  number.convert(cast<FloatType>(element).getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
  return number.isNormal();
}

namespace {
/// x op c, for a scalar constant c that does not change the shape, is a unary
/// function with a parameter: no operand to keep or to move.
struct ScalarOperand : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    if (!isa<FloatType>(tensorType(op.getLhs()).getElementType()))
      return failure();
    StringRef fn = op.getFn();
    if (std::optional<double> c = splatOf(op.getRhs()); c && op.getLhs().getType() == op.getType()) {
      std::optional<std::pair<StringRef, double>> unary;
      if (fn == "add")
        unary = {"add_scalar", *c};
      else if (fn == "sub")
        unary = {"add_scalar", -*c};
      else if (fn == "mul")
        unary = {"mul_scalar", *c};
      else if (fn == "div" && hasReciprocal(*c, tensorType(op.getLhs()).getElementType()))
        unary = {"mul_scalar", 1.0 / *c};
      else if (fn == "pow")
        unary = {"pow_scalar", *c};
      if (unary) {
        rewriter.replaceOpWithNewOp<UnaryOp>(op, op.getLhs(), unary->first, unary->second);
        return success();
      }
    }
    if (std::optional<double> c = splatOf(op.getLhs()); c && op.getRhs().getType() == op.getType()) {
      if (fn == "add" || fn == "mul") {
        rewriter.replaceOpWithNewOp<UnaryOp>(op, op.getRhs(), fn == "add" ? "add_scalar" : "mul_scalar", *c);
        return success();
      }
      if (fn == "div" && *c == 1.0) {
        rewriter.replaceOpWithNewOp<UnaryOp>(op, op.getRhs(), "reciprocal");
        return success();
      }
    }
    return failure();
  }
};
} // namespace

void BinaryOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<ScalarOperand>(context);
}

//===----------------------------------------------------------------------===//
// CompareOp, LogicalOp, SelectOp
//===----------------------------------------------------------------------===//

ParseResult CompareOp::parse(OpAsmParser &parser, OperationState &state) {
  return parseAndInfer<CompareOp>(parser, state, /*oneType=*/false);
}
void CompareOp::print(OpAsmPrinter &printer) { printTableOp(printer, *this, getFn(), false); }
void CompareOp::build(OpBuilder &builder, OperationState &state, StringRef fn, Value lhs, Value rhs) {
  buildInferred<CompareOp>(builder, state, fn, lhs, rhs);
}
LogicalResult CompareOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  return inferBroadcast<CompareOp>(loc, adaptor.getOperands(), IntegerType::get(context, 1), types);
}
LogicalResult CompareOp::verify() {
  if (!isCompare(getFn()))
    return emitOpError("expects a comparison of the elementwise table, but got '") << getFn() << "'";
  if (failed(verifyOneElementType(*this, getLhs(), getRhs())))
    return failure();
  return verifyInferred(*this);
}
bool CompareOp::acceptsStrides(unsigned, ArrayRef<int64_t>) { return true; }
SmallVector<int64_t> CompareOp::getReadShape(unsigned) { return SmallVector<int64_t>(tensorType(getResult()).getShape()); }

ParseResult LogicalOp::parse(OpAsmParser &parser, OperationState &state) {
  return parseAndInfer<LogicalOp>(parser, state, /*oneType=*/false);
}
void LogicalOp::print(OpAsmPrinter &printer) { printTableOp(printer, *this, getFn(), false); }
void LogicalOp::build(OpBuilder &builder, OperationState &state, StringRef fn, Value lhs, Value rhs) {
  buildInferred<LogicalOp>(builder, state, fn, lhs, rhs);
}
LogicalResult LogicalOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  return inferBroadcast<LogicalOp>(loc, adaptor.getOperands(), IntegerType::get(context, 1), types);
}
LogicalResult LogicalOp::verify() {
  if (!isLogical(getFn()))
    return emitOpError("expects a logical function of the elementwise table, but got '") << getFn() << "'";
  return verifyInferred(*this);
}
bool LogicalOp::acceptsStrides(unsigned, ArrayRef<int64_t>) { return true; }
SmallVector<int64_t> LogicalOp::getReadShape(unsigned) { return SmallVector<int64_t>(tensorType(getResult()).getShape()); }

LogicalResult SelectOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  if (tensorType(adaptor.getLhs()).getElementType() != tensorType(adaptor.getRhs()).getElementType())
    return emitInferError<SelectOp>(loc, "expects branches of one element type, but got ", adaptor.getLhs().getType(),
                             " and ", adaptor.getRhs().getType());
  return inferBroadcast<SelectOp>(loc, adaptor.getOperands(), tensorType(adaptor.getLhs()).getElementType(), types);
}
LogicalResult SelectOp::verify() { return verifyInferred(*this); }
bool SelectOp::acceptsStrides(unsigned, ArrayRef<int64_t>) { return true; }
SmallVector<int64_t> SelectOp::getReadShape(unsigned) { return SmallVector<int64_t>(tensorType(getResult()).getShape()); }

LogicalResult SelectOp::differentiate(OpBuilder &builder, ValueRange grads, ArrayRef<bool> needed,
                                      SmallVectorImpl<Value> &operandGrads) {
  operandGrads.assign(3, Value());
  if (!isa<FloatType>(tensorType(getLhs()).getElementType()))
    return success();
  Value zero = FillOp::create(builder, getLoc(), RankedTensorType::get({}, tensorType(grads[0]).getElementType()),
                              builder.getF64FloatAttr(0.0));
  for (unsigned i : {1u, 2u}) {
    if (!needed[i])
      continue;
    Value g = i == 1 ? SelectOp::create(builder, getLoc(), getCondition(), grads[0], zero)
                     : SelectOp::create(builder, getLoc(), getCondition(), zero, grads[0]);
    operandGrads[i] = sumTo(builder, getLoc(), g, tensorType(getOperand(i)).getShape());
  }
  return success();
}
